import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  gcloudHere,
  PLACE,
  PROJECT,
  type Site,
  sent,
  succeeded,
  Workshop,
} from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy, with secrets');
const ONE = [...PLACE, '--only', 'ingestEvent'];
const NAME = `projects/${PROJECT}/secrets/pipeline-MAIL_API_KEY`;
const ACCESS = `${NAME} roles/secretmanager.secretAccessor serviceAccount:pipeline-ingestevent@${PROJECT}.iam.gserviceaccount.com`;

describe.runIf(gcloud !== undefined)('deploy.sh and Secret Manager, with the real gcloud', () => {
  let workshop: Workshop;
  let site: Site;
  beforeAll(async () => {
    workshop = await Workshop.open();
    site = await workshop.site();
  });
  afterAll(() => workshop?.close());

  /** Names the secrets in the definition and commits it, as an author does. */
  function nameSecrets(...secrets: string[]): void {
    const path = join(workshop.tree.folder, 'functions/ingest/definition.ts');
    const text = readFileSync(path, 'utf8').replace(/^ {2}secrets: .*\n/m, '');
    const line = `  secrets: ${JSON.stringify(secrets)},\n  load:`;
    writeFileSync(path, text.replace('  load:', secrets.length > 0 ? line : '  load:'));
    execFileSync(
      'git',
      ['-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-qam', 'secrets'],
      {
        cwd: workshop.tree.folder,
      },
    );
  }
  const serviceConfig = (): unknown => {
    const { resources } = site.picture();
    const [, found] = Object.entries(resources).find(([name]) =>
      name.endsWith('/functions/pipeline-ingestevent'),
    )!;
    return found['serviceConfig'];
  };

  it('a missing secret stops it before the first change; the proposed command creates it', async () => {
    nameSecrets('MAIL_API_KEY');
    const refused = await site.run(ONE);
    expect(refused.code).toBe(1);
    expect(sent(refused)).toEqual([]);
    const [, create = ''] = /run "(printf .*)"$/m.exec(refused.stderr) ?? [];
    expect(create).toContain('gcloud secrets create pipeline-MAIL_API_KEY --data-file=-');
    const enable = `gcloud services enable secretmanager.googleapis.com --project=${PROJECT}`;
    expect(refused.stderr).toContain(enable);
    succeeded(await site.run([], { script: `set -e\n${enable}\n${create}\n` }));
  });

  it('the function gets the secret, only its account may read it; a second run changes nothing', async () => {
    succeeded(await site.run(ONE));
    expect(serviceConfig()).toMatchObject({
      secretEnvironmentVariables: [
        { key: 'MAIL_API_KEY', secret: 'pipeline-MAIL_API_KEY', version: 'latest' },
      ],
    });
    expect(site.picture().bindings.filter((line) => line.startsWith(NAME))).toEqual([ACCESS]);
    expect(sent(succeeded(await site.run(ONE)))).toEqual([]);
  });

  it('a function that no longer names the secret loses it, and the role', async () => {
    nameSecrets();
    succeeded(await site.run(ONE));
    expect(serviceConfig()).not.toHaveProperty('secretEnvironmentVariables');
    expect(site.picture().bindings.filter((line) => line.startsWith(NAME))).toEqual([]);
    expect(sent(succeeded(await site.run([...ONE, '--verify'])))).toEqual([]);
  });
});

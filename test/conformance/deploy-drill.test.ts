import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { answersFor, FAILURES } from '../helpers/control-plane/answers.ts';
import type { Run } from '../helpers/control-plane/deploy.ts';
import { publish } from '../helpers/control-plane/services/pubsub.ts';
import { gcloudHere, PLACE, PROJECT, sent, succeeded, Workshop } from '../helpers/control-plane/site.ts';

const gcloud = gcloudHere('deploy, a drill');
/** Apps to drill; each takes as long as three deployments. */
const APPS = (process.env['DRILLS'] ?? 'functions,examples/orders,examples/signup').split(',');
/** Folder to write the transcripts to. */
const TRANSCRIPTS = process.env['DRILL_TRANSCRIPTS'];

interface Drill {
  prefix: string;
  /** First function, and a bucket, for Google's answers about them. */
  names: [first: string, bucket: string];
  settings: string;
  secrets: string[];
}

const DRILLS: Record<string, Drill> = {
  functions: { prefix: 'pipeline', names: ['processvideo', 'raw'], settings: '', secrets: [] },
  'examples/orders': { prefix: 'orders', names: ['ordersapi', 'state'], settings: '', secrets: [] },
  'examples/signup': {
    prefix: 'signup',
    names: ['createuser', 'state'],
    settings: 'CRM_URL=https://crm.example.com\n',
    secrets: ['MAIL_API_KEY', 'CRM_API_KEY'],
  },
};
/** A function of the core that no deployment without this option has. */
const MORE = ['--ticks', '0 * * * *'];

describe.runIf(gcloud !== undefined)('a drill: from an empty project to an empty project', () => {
  let workshop: Workshop;
  let local: LocalCloud;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'deploy-drill-'));
    workshop = await Workshop.open();
    local = await startLocalCloud({ dir });
  });
  afterAll(async () => {
    await local?.close();
    await workshop?.close();
    await rm(dir, { recursive: true, force: true });
  });

  it.each(APPS)(
    '%s: every lag and answer of a new project at once, an upgrade with a new function, and back',
    async (app) => {
      const { prefix, names, settings, secrets } = DRILLS[app]!;
      const site = await workshop.site();
      const { cloud } = site.plane;
      const isCore = app === 'functions';
      const told: string[] = [];
      const deploy = async (...args: string[]): Promise<Run> => {
        const given = isCore ? args : ['--app', app, ...args];
        if (settings !== '') given.push('--settings', join(dir, `${prefix}.env`));
        const env = isCore ? { STORAGE_API_ENDPOINT: `${site.plane.url}/storage` } : {};
        const run = await site.run([...PLACE, ...given], { env });
        told.push(`$ ./deploy.sh ${[...PLACE, ...given].join(' ')}`, run.said.trim(), '');
        return run;
      };
      const functions = (): string[] =>
        Object.keys(site.picture().resources).flatMap((name) => /\/functions\/(.*)$/.exec(name)?.[1] ?? []);

      writeFileSync(join(dir, `${prefix}.env`), settings);
      if (secrets.length > 0) {
        const enable = `gcloud services enable secretmanager.googleapis.com --project=${PROJECT}`;
        const each = secrets.map(
          (name) => `printf key | gcloud secrets create ${prefix}-${name} --data-file=- --project=${PROJECT}`,
        );
        succeeded(await site.run([], { script: ['set -e', enable, ...each].join('\n') }));
      }
      const { faults } = cloud;
      Object.assign(faults, {
        ...{ serviceLag: 12, accountLag: 5, metricLag: 8, subscriptionLag: 5, editMs: 150 },
        halfMade: [1],
      });
      for (const one of [...answersFor(prefix, ...names), ...FAILURES]) faults.add({ ...one, times: 1 });

      const dry = succeeded(await deploy('--dry-run'));
      expect(sent(dry)).toEqual([]);
      expect(dry.stdout).toContain('# not checked: ');

      if (isCore) {
        cloud.objects = {
          url: local.endpoints.gcs,
          bucket: (name) => name.replace(`${PROJECT}-${prefix}-`, ''),
        };
        cloud.logs.push({
          textPayload: 'resource.labels.revision_name="pipeline-processvideo-0',
          insertId: '1',
          jsonPayload: { message: 'ffmpeg chosen', path: '/usr/bin/ffmpeg', version: '7.1', source: 'path' },
        });
      }
      const first = succeeded(isCore ? await deploy('--smoke') : await deploy());
      expect(first.said).toContain('waiting: ');
      expect(first.said).not.toMatch(/you lack|failed:/);
      if (isCore) expect(first.said).toContain('smoke: passed');
      expect(cloud.overlaps).toBe(0);
      if (isCore) expect(faults.rules).toEqual([]);
      // an app without a schedule, for example, never met that answer
      faults.rules.length = 0;
      const before = functions();
      expect(sent(succeeded(await deploy('--verify')))).toEqual([]);

      const topics = [...cloud.state.resources.keys()].filter((name) => name.includes('/topics/'));
      // they wait in the subscriptions from here on
      for (const topic of topics) publish(cloud, topic);
      workshop.tree.change();
      succeeded(await (isCore ? deploy(...MORE) : deploy()));
      expect(functions()).toHaveLength(before.length + (isCore ? 1 : 0));
      expect(sent(succeeded(await deploy(...(isCore ? MORE : []), '--verify')))).toEqual([]);

      workshop.tree.back();
      const back = succeeded(await deploy());
      expect(back.said).toMatch(/update function .*source is/);
      expect(functions()).toEqual(before);
      expect(cloud.lost).toEqual([]);
      expect(sent(succeeded(await deploy('--verify')))).toEqual([]);

      succeeded(await deploy('--destroy', '--yes', '--with-data'));
      const left = Object.keys(site.picture().resources).filter((name) => !name.includes('/secrets/'));
      // what an option made, its deployment without the option stops; the topic of ticks goes with --destroy
      expect(left).toEqual([]);
      if (TRANSCRIPTS !== undefined) writeFileSync(join(TRANSCRIPTS, `${prefix}.txt`), told.join('\n'));
    },
    1_800_000,
  );
});

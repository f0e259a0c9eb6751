import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf, sourcesOf } from '../../deploy/app-source.ts';
import { core } from '../../functions/app.ts';
import { gcloudHere, PLACE, PROJECT, sent, succeeded, Workshop } from '../helpers/control-plane/site.ts';
import { writeBlocks } from '../helpers/project-copy.ts';

const gcloud = gcloudHere('deploy, other apps');

const AUDIT = `import { services } from '../../functions/services.ts';
import { defineApp } from '../../shared/app/define-app.ts';
import { defineFunction } from '../../shared/app/define-function.ts';
import { auditLog, http } from '../../shared/app/trigger.ts';
const instance = { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 };
export default defineApp({
  name: 'audit',
  includes: [services],
  functions: [
    defineFunction({
      name: 'noteBucket',
      trigger: auditLog({ service: 'storage.googleapis.com', method: 'storage.buckets.create' }),
      instance,
      roles: [],
      load: () => import('./note.ts'),
    }),
    defineFunction({ name: 'ask', trigger: http({ callers: 'all' }), instance, roles: [], load: () => import('./ask.ts') }),
  ],
});
`;

describe.runIf(gcloud !== undefined)('deploy.sh --app', () => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open();
    const { folder } = workshop.tree;
    writeBlocks('docs/write-a-function.md', folder);
    mkdirSync(join(folder, 'apps/audit'));
    writeFileSync(join(folder, 'apps/audit/app.ts'), AUDIT);
    writeFileSync(
      join(folder, 'apps/audit/note.ts'),
      "export const handle = async () => ({ kind: 'settled' as const });\n",
    );
    writeFileSync(join(folder, 'apps/audit/ask.ts'), 'export const serve = async () => {};\n');
  });
  afterAll(() => workshop?.close());

  it('deploys the app of the docs: its upload has what the build needs, and a second run sends nothing', async () => {
    const { plane, run, picture } = await workshop.site();
    const args = ['--app', 'apps/thumbnails', ...PLACE];
    succeeded(await run(args));
    const { resources } = picture();
    const names = Object.keys(resources).map((name) => name.replace(/^.*\//, ''));
    expect(names).toEqual(
      expect.arrayContaining([
        'thumbnails-makethumbnail',
        'thumbnails-inspectdeadletter',
        `${PROJECT}-thumbnails-images`,
      ]),
    );
    expect(names.filter((name) => /processvideo|-raw$|^pipeline/.test(name))).toEqual([]);
    const { folder } = workshop.tree;
    const wanted = filesOf(sourcesOf({ app: core, dir: 'apps/thumbnails' }, folder), folder).sort();
    expect(wanted).toContain('apps/thumbnails/handler.ts');
    expect(wanted.filter((file) => /video\/|apps\/greeter|functions\/app\.ts/.test(file))).toEqual([]);
    const uploads = [...plane.cloud.state.resources].filter(([name]) => name.startsWith('uploads/'));
    expect(uploads.length).toBeGreaterThanOrEqual(4);
    for (const [, { entries }] of uploads) {
      expect((entries as string[]).filter((name) => !name.endsWith('/'))).toEqual(wanted);
    }
    expect(sent(succeeded(await run([...args, '--verify'])))).toEqual([]);
    expect(sent(succeeded(await run(args)))).toEqual([]);
  });

  it('deploys the sign-up example: nothing for local runs is uploaded, settings and secrets are asked for', async () => {
    const { plane, run } = await workshop.site();
    const settings = join(workshop.tree.folder, 'signup.env');
    const args = ['--app', 'examples/signup', ...PLACE];
    const bare = await run(args);
    expect([bare.code, bare.said]).toEqual([
      1,
      expect.stringMatching(/CRM_URL must be .* for createContact/),
    ]);
    writeFileSync(settings, 'CRM_URL=https://crm.example.com\n');
    const whole = [...args, '--settings', settings];
    const keyless = await run(whole);
    expect([keyless.code, keyless.said]).toEqual([1, expect.stringMatching(/signup-MAIL_API_KEY/)]);
    const secrets = ['MAIL_API_KEY', 'CRM_API_KEY'].map(
      (name) => `printf key | gcloud secrets create signup-${name} --data-file=- --project=${PROJECT}`,
    );
    const enable = `gcloud services enable secretmanager.googleapis.com --project=${PROJECT}`;
    succeeded(await run([], { script: ['set -e', enable, ...secrets].join('\n') }));
    const dry = succeeded(await run([...whole, '--dry-run']));
    expect(dry.stdout).toMatch(/functions deploy signup-createuser/);
    expect(sent(dry)).toEqual([]);
    succeeded(await run(whole));
    const { folder } = workshop.tree;
    const wanted = filesOf(sourcesOf({ app: core, dir: 'examples/signup' }, folder), folder).sort();
    expect(wanted).toContain('examples/signup/create-user/handler.ts');
    expect(wanted.filter((file) => /signup\/(local|test)|^(local|cli|test)\//.test(file))).toEqual([]);
    const uploads = [...plane.cloud.state.resources].filter(([name]) => name.startsWith('uploads/'));
    for (const [, { entries }] of uploads) {
      expect((entries as string[]).filter((name) => !name.endsWith('/'))).toEqual(wanted);
    }
    expect(sent(succeeded(await run(whole)))).toEqual([]);
    // four runs of nine functions
  }, 900_000);

  it('deploys functions fired by audit logs and by requests', async () => {
    const { run, picture } = await workshop.site();
    const args = ['--app', 'apps/audit', ...PLACE];
    succeeded(await run(args));
    const { resources, bindings } = picture();
    const made = Object.entries(resources).map(
      ([name, resource]) => [name.replace(/^.*\//, ''), resource] as const,
    );
    expect(made.find(([name]) => name === 'audit-notebucket')?.[1]).toMatchObject({
      eventTrigger: {
        eventType: 'google.cloud.audit.log.v1.written',
        eventFilters: expect.arrayContaining([{ attribute: 'methodName', value: 'storage.buckets.create' }]),
      },
    });
    expect(bindings.filter((line) => line.includes('audit-ask'))).toEqual([
      expect.stringMatching(/roles\/run\.invoker.*allUsers|allUsers.*roles\/run\.invoker/),
    ]);
    expect(sent(succeeded(await run(args)))).toEqual([]);
  });
});

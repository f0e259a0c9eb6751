import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { filesOf, ignoreFile, sourcesOf } from '../../../deploy/app-source.ts';
import { Cloud } from '../../../deploy/cloud.ts';
import type { Context } from '../../../deploy/context.ts';
import { deployAll, verifyAll } from '../../../deploy/deploy.ts';
import { cliEnvironment, madeLines } from '../../../deploy/env.ts';
import { Names } from '../../../deploy/names.ts';
import { appOption, parseOptions } from '../../../deploy/options.ts';
import { ROOT } from '../../../deploy/source.ts';
import { core } from '../../../functions/app.ts';
import { services } from '../../../functions/services.ts';
import { processVideo } from '../../../functions/video/definition.ts';
import { secretsOf } from '../../../shared/app/app-settings.ts';
import { type App, defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { loadApp } from '../../../shared/app/load-app.ts';
import { auditLog, http, objectFinalized } from '../../../shared/app/trigger.ts';
import { EXAMPLES } from '../../helpers/examples.ts';
import { RecordedGcloud } from '../../helpers/recorded-gcloud.ts';

const instance = { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 };
const event = {
  instance,
  roles: [],
  load: async () => ({ handle: async () => ({ kind: 'settled' as const }) }),
};
const SHOP = 'serviceAccount:shop@my-project.iam.gserviceaccount.com';
const TILL = 'serviceAccount:till@my-project.iam.gserviceaccount.com';

/** An app with two buckets that fire functions, requests and audit logs. */
const appWith = (callers: 'all' | string[]): App =>
  defineApp({
    name: 'shop',
    includes: [services],
    buckets: {
      orders: { env: 'ORDERS_BUCKET', doc: 'orders' },
      photos: { env: 'PHOTOS_BUCKET', doc: 'photos' },
    },
    functions: [
      defineFunction({ ...event, name: 'takeOrder', trigger: objectFinalized({ bucket: 'orders' }) }),
      defineFunction({ ...event, name: 'takePhoto', trigger: objectFinalized({ bucket: 'photos' }) }),
      defineFunction({
        ...event,
        name: 'noteBucket',
        trigger: auditLog({ service: 'storage.googleapis.com', method: 'storage.buckets.create' }),
      }),
      defineFunction({
        name: 'quote',
        trigger: http({ callers }),
        instance,
        roles: [],
        load: async () => ({ serve: async () => {} }),
      }),
    ],
  });

let gcloud: RecordedGcloud;
let lines: string[];
const say = (line: string): void => {
  lines.push(line);
};
beforeEach(() => {
  gcloud = new RecordedGcloud();
  lines = [];
});

const PLACE = ['--project', 'demo-project', '--region', 'europe-west1'];
const SOURCE = { files: 3, bytes: 1_000, hash: '0123456789abcdef', commit: 'c0ffee' };

function contextOf(app: App, changes: Partial<Context> = {}): Context {
  const options = parseOptions(PLACE, {}, app);
  const names = new Names({ ...options, projectNumber: '12345' });
  const source = { ...SOURCE, app: { dir: 'apps/shop', ignoreFile: '/??*\n' } };
  return { app, options, names, cloud: new Cloud(gcloud, names.place), source, settings: {}, ...changes };
}

const invokers = (name: string): string[] =>
  (gcloud.policies.get(`run services ${name}`) ?? [])
    .filter(({ role }) => role === 'roles/run.invoker')
    .flatMap(({ members }) => members);

test('an app is deployed under its own name, each function by its trigger; a second run changes nothing', async () => {
  await deployAll(contextOf(appWith([SHOP])), gcloud, say);
  expect([...gcloud.things.keys()]).toEqual(
    expect.arrayContaining([
      'bucket demo-project-shop-orders',
      'bucket demo-project-shop-photos',
      'bucket demo-project-shop-state',
      'function shop-takeorder',
      'function shop-takephoto',
      'topic shop-replay-takephoto',
      'job shop-maintain',
    ]),
  );
  expect([...gcloud.things.keys()].filter((key) => /raw|frames|processvideo|replay-quote/.test(key))).toEqual(
    [],
  );
  expect(gcloud.things.get('function shop-notebucket')).toMatchObject({
    eventTrigger: {
      eventType: 'google.cloud.audit.log.v1.written',
      eventFilters: [
        { attribute: 'serviceName', value: 'storage.googleapis.com' },
        { attribute: 'methodName', value: 'storage.buckets.create' },
      ],
    },
    buildConfig: { environmentVariables: { PIPELINE_APP: 'apps/shop' } },
  });
  const quote = gcloud.things.get('function shop-quote');
  expect(quote).toMatchObject({ serviceConfig: { ingressSettings: 'ALLOW_ALL' } });
  expect(quote).not.toHaveProperty('eventTrigger');
  expect(invokers('shop-quote')).toEqual([SHOP]);
  await verifyAll(contextOf(appWith([SHOP])), say);
  gcloud.changes.length = 0;
  expect(await deployAll(contextOf(appWith([SHOP])), gcloud, say)).toBe(0);
  expect(gcloud.changes).toEqual([]);
});

test.each(EXAMPLES)('%s deploys, and a second run changes nothing', async (dir) => {
  const { app } = await loadApp(join(ROOT, dir));
  const source = { ...SOURCE, app: { dir, ignoreFile: ignoreFile(sourcesOf({ app, dir }, ROOT)) } };
  for (const { name } of app.functions.flatMap(secretsOf)) {
    const secret = contextOf(app).names.secret(name);
    gcloud.things.set(`secret ${secret}`, { name: `projects/12345/secrets/${secret}` });
  }
  await deployAll(contextOf(app, { source }), gcloud, say);
  const functions = [...gcloud.things.keys()].filter((key) => key.startsWith('function '));
  expect(functions).toHaveLength(app.functions.length);
  await verifyAll(contextOf(app, { source }), say);
  gcloud.changes.length = 0;
  expect(await deployAll(contextOf(app, { source }), gcloud, say)).toBe(0);
  expect(gcloud.changes).toEqual([]);
});

const enabled = (): string[] => [...gcloud.services].map((name) => name.replace('.googleapis.com', ''));

test('only the services that an app uses are enabled, and those that its functions name', async () => {
  const load = async () => ({ serve: async () => {} });
  const quote = (apis?: Record<string, string>) =>
    defineFunction({
      name: 'quote',
      trigger: http({ callers: 'all' }),
      instance,
      roles: [],
      load,
      ...(apis && { apis }),
    });
  const alone = defineApp({ name: 'shop', functions: [quote()] });
  gcloud.services.clear();
  await deployAll(contextOf(alone), gcloud, say);
  expect(enabled()).toContain('cloudfunctions');
  expect(
    enabled().filter((one) => ['aiplatform', 'pubsub', 'eventarc', 'cloudscheduler'].includes(one)),
  ).toEqual([]);
  expect([...gcloud.things.keys()].filter((key) => /^(topic|subscription|bucket|job)/.test(key))).toEqual([]);
  expect(madeLines(contextOf(alone).names, { app: alone, dir: 'apps/shop' }).join('\n')).not.toMatch(
    /events go to/,
  );
  await deployAll(contextOf(appWith([SHOP])), gcloud, say);
  expect(enabled()).toEqual(expect.arrayContaining(['pubsub', 'eventarc', 'cloudscheduler']));
  expect(enabled()).not.toContain('aiplatform');
  await deployAll(
    contextOf(defineApp({ name: 'shop', functions: [quote({ speech: 'hears' })] })),
    gcloud,
    say,
  );
  expect(enabled()).toContain('speech');
  expect(() => defineApp({ name: 'shop', functions: [quote({ 'speech.googleapis.com': 'hears' })] })).toThrow(
    'quote: apis must be names such as "speech", without .googleapis.com, got "speech.googleapis.com"',
  );
});

test('what an earlier version watched for an app without videos is deleted or renamed', async () => {
  const app = appWith([SHOP]);
  await deployAll(contextOf({ ...app, functions: [...app.functions, processVideo] }), gcloud, say);
  const watched = (): string[] => [...gcloud.things.keys()].filter((key) => /video|gemini/i.test(key));
  expect(watched().filter((key) => /^(metric|alert|dashboard)/.test(key)).length).toBeGreaterThan(5);
  await deployAll(contextOf(app), gcloud, say);
  expect(watched().filter((key) => /^(metric|alert|dashboard)/.test(key))).toEqual([]);
  expect(await deployAll(contextOf(app), gcloud, say)).toBe(0);
});

test('a removed caller may no longer call, and nobody else may', async () => {
  await deployAll(contextOf(appWith([SHOP, TILL])), gcloud, say);
  expect(invokers('shop-quote')).toEqual([SHOP, TILL]);
  await deployAll(contextOf(appWith([TILL])), gcloud, say);
  expect(invokers('shop-quote')).toEqual([TILL]);
  await deployAll(contextOf(appWith('all')), gcloud, say);
  expect(invokers('shop-quote')).toEqual(['allUsers']);
  // a function that is fired by events has no callers
  expect(invokers('shop-takeorder')).toEqual([
    'serviceAccount:shop-takeorder@demo-project.iam.gserviceaccount.com',
  ]);
});

test('a function that becomes part of another app is deployed again', async () => {
  const app = appWith([SHOP]);
  await deployAll(contextOf(app), gcloud, say);
  const source = { ...SOURCE, app: { dir: 'apps/market', ignoreFile: '/??*\n' } };
  await expect(verifyAll(contextOf(app, { source }), say)).rejects.toThrow(/differ/);
  expect(lines.join('\n')).toMatch(/function shop-quote: app is apps\/shop, not apps\/market/);
});

test('the environment of the command names every bucket of the app, and the app', () => {
  const { names, app } = contextOf(appWith('all'));
  const exported = cliEnvironment(names, { app, dir: 'apps/shop' });
  expect(exported).toEqual(
    expect.arrayContaining([
      'export ORDERS_BUCKET=demo-project-shop-orders',
      'export STATE_BUCKET=demo-project-shop-state',
      'export REPLAY_TOPIC_PREFIX=shop-replay-',
      'export PIPELINE_APP=apps/shop',
    ]),
  );
  expect(madeLines(names, { app, dir: 'apps/shop' }).join('\n')).toMatch(
    /orders bucket +gs:\/\/demo-project-shop-orders \(uploads trigger takeOrder\)/,
  );
});

test.each<[string, string[], RegExp]>([
  [
    'a prefix too long for a service account',
    ['--prefix', 'abcdefghijkl'],
    /--prefix must be shorter: the service account of takeOrderOfACustomer must be at most 30 characters, got 33/,
  ],
  [
    'raw days without the bucket',
    ['--raw-days', '3'],
    /--raw-days needs an app that has the bucket raw, got shop/,
  ],
  ['a smoke test without videos', ['--smoke'], /--smoke needs an app that has processVideo, got shop/],
])('%s is wrong usage', (_name, args, message) => {
  const long = defineFunction({
    ...event,
    name: 'takeOrderOfACustomer',
    trigger: objectFinalized({ bucket: 'orders' }),
  });
  const base = appWith('all');
  const app = args[0] === '--prefix' ? defineApp({ ...base, functions: [...base.functions, long] }) : base;
  expect(() => parseOptions([...PLACE, ...args], {}, app)).toThrow(message);
});

test('the app is known before the rest of the line is parsed', () => {
  expect(appOption([...PLACE, '--app', 'apps/shop'])).toBe('apps/shop');
  expect(appOption(PLACE)).toBeUndefined();
});

test('.gcloudignore includes what is derived for the core app', () => {
  const taken = readFileSync(`${ROOT}/.gcloudignore`, 'utf8').matchAll(/^!\/(\S+)$/gm);
  expect([...taken].map(([, path]) => path).sort()).toEqual(sourcesOf({ app: core, dir: 'functions' }, ROOT));
});

test('an app is uploaded with the functions whose code it imports, and with no others', () => {
  const sources = sourcesOf({ app: appWith('all'), dir: 'functions/ingest' }, ROOT);
  expect(sources).toEqual(expect.arrayContaining(['shared', 'schemas', 'build.ts', 'functions/ingest']));
  expect(sources.filter((path) => /video|dead-letter|app\.ts/.test(path))).toEqual([]);
  expect(filesOf(sources, ROOT)).toEqual(expect.arrayContaining(['package.json', 'shared/core/errors.ts']));
  expect(ignoreFile(['apps/shop', 'shared'])).toBe(
    '/??*\n!/apps\n/apps/*\n!/apps/shop\n/apps/shop/local.ts\n/apps/shop/local\n/apps/shop/test\n!/shared\nnode_modules\n.DS_Store\n*.log\n',
  );
});

test('files for local runs and tests are not uploaded, and nothing that is deployed may import them', () => {
  const root = mkdtempSync(join(tmpdir(), 'app-source-'));
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  try {
    write('apps/shop/app.ts', "import './handler.ts';\n");
    write('apps/shop/handler.ts', 'export const x = 1;\n');
    write('apps/shop/local.ts', "import './local/mail.ts';\nimport '../../local/hook.ts';\n");
    for (const file of ['apps/shop/local/mail.ts', 'apps/shop/test/shop.test.ts', 'local/hook.ts'])
      write(file, 'export {};\n');
    for (const file of ['build.ts', 'functions/register.ts']) write(file, '');
    const loaded = { app: appWith('all'), dir: 'apps/shop' };
    const sources = sourcesOf(loaded, root);
    expect(sources).toEqual(['apps/shop', 'build.ts', 'functions/register.ts']);
    expect(filesOf(sources, root)).toEqual(
      expect.arrayContaining(['apps/shop/app.ts', 'apps/shop/handler.ts']),
    );
    expect(filesOf(sources, root).filter((file) => /local|test/.test(file))).toEqual([]);
    write('apps/shop/handler.ts', "import './local/mail.ts';\n");
    expect(() => sourcesOf(loaded, root)).toThrow(
      'apps/shop/local/mail.ts is for local runs and tests only, so nothing that is deployed may import it',
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../build.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { type LoadedApp, loadApp } from '../../shared/app/load-app.ts';
import { createPublisher } from '../../shared/gcp/pubsub.ts';
import { FULL } from '../helpers/full-form.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const SHARED = '../../../shared';

/** An app of two functions that neither a bucket nor a topic fires. */
const FILES = {
  'app.ts': `import { services } from '../../../functions/services.ts';
import { defineApp } from '${SHARED}/app/define-app.ts';
import { defineFunction } from '${SHARED}/app/define-function.ts';
import { auditLog, http } from '${SHARED}/app/trigger.ts';
const instance = { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 };
export default defineApp({
  name: 'watch',
  includes: [services],
  functions: [
    defineFunction({
      name: 'noteBucket',
      trigger: auditLog({ service: 'storage.googleapis.com', method: 'storage.buckets.create' }),
      instance,
      roles: [],
      load: () => import('./note.ts'),
    }),
    defineFunction({
      name: 'fail',
      trigger: http({ callers: 'all' }),
      instance,
      roles: [],
      load: () => import('./fail.ts'),
    }),
  ],
});
`,
  'note.ts': `import { decodeJson, eventIdOf, parseCloudEvent } from '${SHARED}/events/cloud-event.ts';
import { eventHandler } from '${SHARED}/invocation/event-handler.ts';
import { outcome } from '${SHARED}/invocation/outcome.ts';
export const { handle } = eventHandler({
  read(input) {
    const event = parseCloudEvent(input);
    return { event, eventId: eventIdOf(event), entry: decodeJson(event.data, 'data') };
  },
  run: async ({ event, entry }) => outcome('noted', { type: event.type, resource: entry.protoPayload.resourceName }),
});
`,
  'fail.ts': `export async function serve() {
  throw new Error('no answer to give');
}
`,
};

let app: LoadedApp;
let appDir: string;
let dir: string;
let cloud: LocalCloud;
const lines: string[] = [];

beforeAll(async () => {
  mkdirSync(join(project, 'node_modules/.cache'), { recursive: true });
  appDir = mkdtempSync(join(project, 'node_modules/.cache/app-'));
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(appDir, file), text);
  dir = mkdtempSync(join(tmpdir(), 'app-triggers-'));
  app = await loadApp(appDir);
  cloud = await startLocalCloud({
    dir,
    app,
    events: { onFunctionLine: (_name, line) => void lines.push(line) },
  });
});
afterAll(async () => {
  await cloud?.close();
  for (const one of [appDir, dir]) rmSync(one, { recursive: true, force: true });
});

const entries = (): Record<string, unknown>[] =>
  lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);

test('an entry of an audit log, published to the topic of the trigger, fires the function as a CloudEvent', async () => {
  const publisher = createPublisher({ project: 'local', apiEndpoint: cloud.endpoints.pubsub });
  const attributes = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-type': 'google.cloud.audit.log.v1.written',
    'ce-source': '//cloudaudit.googleapis.com/projects/local/logs/activity',
    'ce-servicename': 'storage.googleapis.com',
    'ce-methodname': 'storage.buckets.create',
  };
  const data = JSON.stringify({ protoPayload: { resourceName: 'projects/_/buckets/new' } });
  await publisher.publish('eventarc-noteBucket', [{ data, attributes }]);
  publisher.close();
  await expect
    .poll(() => entries().find(({ outcome }) => outcome === 'noted'))
    .toMatchObject({
      function: 'noteBucket',
      type: 'google.cloud.audit.log.v1.written',
      resource: 'projects/_/buckets/new',
    });
});

test('a request whose handler throws is answered with 500; the reason is logged, not returned', async () => {
  const answer = await fetch(cloud.endpoints.functions['fail']!);
  expect(await problemOf(answer)).toEqual([
    500,
    { type: 'about:blank', title: 'Internal Server Error', status: 500 },
  ]);
  expect(entries().find(({ message }) => message === 'request failed')).toMatchObject({
    function: 'fail',
    severity: 'ERROR',
  });
});

async function problemOf(answer: Response): Promise<unknown[]> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  return [answer.status, await answer.json()];
}

test('what is refused before a function is called is a problem document, without a stack', async () => {
  const post = async (body: string | Buffer, headers: Record<string, string> = {}): Promise<unknown[]> => {
    const all = { 'content-type': 'application/json', ...headers };
    return problemOf(await fetch(cloud.endpoints.functions['fail']!, { method: 'POST', headers: all, body }));
  };
  const about = (status: number, title: string, detail: unknown) => [
    status,
    { type: 'about:blank', title, status, detail },
  ];
  expect(await post('{"name": nobody}')).toEqual(
    about(400, 'Bad Request', expect.stringMatching(/^body must be readable: Unexpected token/)),
  );
  expect(await post('{}', { 'content-encoding': 'gzip' })).toEqual(
    about(415, 'Unsupported Media Type', 'content-encoding must be identity, got gzip'),
  );
  expect(await post(Buffer.alloc(16 * 1024 * 1024 + 1, 32))).toEqual(
    about(413, 'Content Too Large', 'body must have at most 16777216 bytes, got 16777217'),
  );
});

test('an app that uses no model runs without one', () => {
  expect(cloud.endpoints.vertex).toBeUndefined();
  expect(cloud.endpoints.app).toBe(app.dir);
});

test('a bundle has only the functions of its app', async ({ skip }) => {
  skip(!FULL);
  const out = join(dir, 'bundle');
  const inputs = async (loaded?: LoadedApp): Promise<string> => {
    const { outputs } = await bundle(out, [], loaded);
    return Object.values(outputs)
      .flatMap((one) => Object.keys(one.inputs))
      .join('\n');
  };
  const own = await inputs(app);
  expect(own).toMatch(new RegExp(`${app.dir}/note\\.ts`));
  expect(own).toMatch(/functions\/dead-letter\/handler\.ts/);
  expect(own).not.toMatch(/functions\/video|functions\/app\.ts|ffmpeg|genai|vertexai/);
  expect(await inputs()).not.toMatch(/node_modules\/\.cache\/app-/);
});

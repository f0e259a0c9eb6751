import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { processVideo } from '../../functions/video/definition.ts';
import { publishFinalized, publishKept } from '../../local/eventarc/eventarc.ts';
import type { ObjectResource } from '../../local/gcs/records.ts';
import type { PubsubPart } from '../../local/pubsub-part.ts';
import { startPubsubPart } from '../../local/pubsub-part.ts';
import { objectResource } from '../helpers/events.ts';
import {
  type Endpoint,
  eventually,
  plainPubsub,
  startEndpoint,
  startTestPubsub,
  textOf,
} from '../helpers/pubsub.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const closer of closers.splice(0).reverse()) await closer();
});

const TOPICS = ['dead-letters', 'dead-letters-unread'];

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'eventarc-'));
  closers.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Scene {
  part: PubsubPart;
  accept(resource: ObjectResource): void;
  close(): Promise<void>;
}

/** Delivers uploads to the raw bucket to processVideo, which the endpoint stands in for. */
async function startScene(
  { url }: Pick<Endpoint, 'url'>,
  { dir = folder(), attempts = 5, pubsubUrl }: { dir?: string; attempts?: number; pubsubUrl?: string } = {},
): Promise<Scene> {
  const options = { dir, project: 'local', topics: TOPICS, backoff: { minMs: 1, maxMs: 5 } };
  const part = await startPubsubPart({ ...options, url: pubsubUrl });
  const definition = { ...processVideo, maxDeliveryAttempts: attempts };
  await part.subscribeFunction(definition, [url]);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= part.stopPushing().then(() => part.close());
    return closed;
  };
  closers.push(close);
  return { part, accept: (resource) => publishFinalized(resource, [definition], part.publishEvent), close };
}

async function endpoint(...args: Parameters<typeof startEndpoint>): Promise<Endpoint> {
  const started = await startEndpoint(...args);
  closers.push(() => started.close());
  return started;
}

const object = (fields = {}) => objectResource(fields) as unknown as ObjectResource;
const nameOf = ({ text }: { text: string }): string => JSON.parse(text).name;

test('a finalized object is posted as a CloudEvent in binary mode', async () => {
  const fn = await endpoint();
  (await startScene(fn)).accept(object({ name: 'Ferien "süß" 100%.mp4' }));
  const [{ headers, text, path }] = (await eventually(() => fn.pushes)) as [Endpoint['pushes'][0]];
  expect(path).toBe('/');
  expect(headers).toMatchObject({
    'ce-specversion': '1.0',
    'ce-id': expect.stringMatching(/^\d+$/),
    'ce-type': 'google.cloud.storage.object.v1.finalized',
    'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
    'ce-subject': 'objects/Ferien%20%22s%C3%BC%C3%9F%22%20100%25.mp4',
    'ce-bucket': 'raw',
    'content-type': 'application/json',
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
  });
  expect(JSON.parse(text)).toMatchObject({ kind: 'storage#object', name: 'Ferien "süß" 100%.mp4' });
});

test('a failed delivery is retried with the same id until it succeeds', async () => {
  const fn = await endpoint((_, index) => ([500, 404, 'cut', 302, 200] as const)[index] ?? 200);
  (await startScene(fn)).accept(object());
  await expect.poll(() => fn.pushes.length).toBe(5);
  expect(new Set(fn.pushes.map(({ headers }) => headers['ce-id'])).size).toBe(1);
});

test.each(['its own server', 'a server of somebody else'])(
  'after the last attempt the event is a dead letter with its name, however long, in %s',
  async (where) => {
    const foreign = where === 'its own server' ? undefined : await startTestPubsub();
    if (foreign) closers.push(() => foreign.close());
    const fn = await endpoint(() => 500);
    const { part, accept } = await startScene(fn, {
      attempts: 3,
      ...(foreign && { pubsubUrl: foreign.server.url }),
    });
    // headers encode three bytes as nine
    const name = 'あ'.repeat(341);
    accept(object({ name }));
    const api = plainPubsub(() => part.url);
    const [{ message }] = (await eventually(() => api.pull('dead-letters-kept'))) as [
      Awaited<ReturnType<typeof api.pull>>[0],
    ];
    expect(fn.pushes).toHaveLength(3);
    expect(JSON.parse(textOf({ message }))).toMatchObject({ kind: 'storage#object', name });
    expect(message.attributes).toMatchObject({
      'ce-id': expect.stringMatching(/^\d+$/),
      'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
      'content-type': 'application/json',
      CloudPubSubDeadLetterSourceSubscription: 'eventarc-processVideo',
      CloudPubSubDeadLetterSourceDeliveryCount: '3',
    });
    expect(message.attributes).not.toHaveProperty('ce-subject');
  },
);

test("a dead letter waits until another's server answers, across a restart of our own", async () => {
  const foreign = await startTestPubsub();
  closers.push(() => foreign.close());
  const dir = folder();
  const fn = await endpoint(() => 500);
  const first = await startScene(fn, { dir, attempts: 1, pubsubUrl: foreign.server.url });
  foreign.server.faults.add({
    action: { kind: 'status', status: 503 },
    operations: ['publish'],
    times: 1_000,
  });
  first.accept(object({ name: 'late.mp4' }));
  await expect.poll(() => fn.pushes.length).toBe(1);
  await first.close();
  foreign.server.faults.clear();
  await startScene(fn, { dir, attempts: 1, pubsubUrl: foreign.server.url });
  const api = plainPubsub(() => foreign.server.url);
  const [letter] = await eventually(() => api.pull('dead-letters-kept'));
  expect(JSON.parse(textOf(letter!))).toMatchObject({ name: 'late.mp4' });
  expect(fn.pushes).toHaveLength(1);
});

test('events that were tried, untried or in flight at a stop are delivered after the restart', async () => {
  const dir = folder();
  const down = await endpoint((pushed) => (nameOf(pushed) === 'hanging.mp4' ? 'hang' : 503));
  const first = await startScene(down, { dir, attempts: 100 });
  first.accept(object({ name: 'tried.mp4' }));
  await expect.poll(() => down.pushes.length).toBeGreaterThan(0);
  first.accept(object({ name: 'hanging.mp4' }));
  await expect.poll(() => down.pushes.map(nameOf)).toContain('hanging.mp4');
  first.accept(object({ name: 'untried.mp4' }));
  await first.close();

  const up = await endpoint();
  await startScene(up, { dir });
  await expect.poll(() => up.pushes.map(nameOf).sort()).toEqual(['hanging.mp4', 'tried.mp4', 'untried.mp4']);
});

test('events that an earlier version kept in files are delivered, once', async () => {
  const dir = folder();
  const kept = join(dir, 'eventarc', 'pending');
  await mkdir(kept, { recursive: true });
  const body = JSON.stringify(object({ name: 'kept.mp4' }));
  await writeFile(join(kept, '7-processVideo.json'), JSON.stringify({ function: 'processVideo', body }));
  await writeFile(join(kept, '8-gone.json'), JSON.stringify({ function: 'gone', body }));
  const fn = await endpoint();
  const { part } = await startScene(fn, { dir });
  publishKept(join(dir, 'eventarc'), [processVideo], part.publishEvent);
  publishKept(join(dir, 'eventarc'), [processVideo], part.publishEvent);
  await expect.poll(() => fn.pushes.map(nameOf)).toEqual(['kept.mp4']);
  expect(await readdir(kept)).toEqual(['8-gone.json']);
});

test('an instance gets as many concurrent requests as the trigger allows', async () => {
  const fn = await endpoint();
  const { accept } = await startScene(fn);
  for (let n = 1; n <= 8; n++) accept(object({ generation: String(n) }));
  await expect.poll(() => fn.pushes.length).toBe(8);
  expect(fn.peak).toBe(1);
});

test('the same generation handed over twice is one event', async () => {
  const fn = await endpoint();
  const { accept } = await startScene(fn);
  accept(object());
  accept(object());
  await expect.poll(() => fn.pushes.length).toBe(2);
  expect(new Set(fn.pushes.map(({ headers }) => headers['ce-id'])).size).toBe(1);
});

test('objects in other buckets fire nothing', async () => {
  const fn = await endpoint();
  const { accept } = await startScene(fn);
  accept(object({ bucket: 'frames' }));
  accept(object({ name: 'last.mp4' }));
  await expect.poll(() => fn.pushes.map(nameOf)).toEqual(['last.mp4']);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { processVideo } from '../../functions/video/definition.ts';
import { createForwarder } from '../../local/dead-letters.ts';
import { type Delivery, DeliveryStore } from '../../local/eventarc/delivery-store.ts';
import { Eventarc, type EventarcOptions } from '../../local/eventarc/eventarc.ts';
import type { ObjectResource } from '../../local/gcs/records.ts';
import { objectResource } from '../helpers/events.ts';
import { eventually, plainPubsub, startTestPubsub, textOf } from '../helpers/pubsub.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const closer of closers.splice(0).reverse()) closer();
});

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A function that answers as it is told to, and keeps what it was sent. */
async function fakeFunction(answer: (nth: number) => number | 'hang' | 'cut') {
  const received: Received[] = [];
  let active = 0;
  let mostActive = 0;
  const server = createServer((request, response) => {
    mostActive = Math.max(mostActive, ++active);
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    response.on('close', () => active--);
    request.on('end', () => {
      const status = answer(received.push({ headers: request.headers, body }));
      if (status === 'cut') request.socket.destroy();
      else if (status !== 'hang') setTimeout(() => response.writeHead(status).end(), 5);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, received, mostActive: () => mostActive };
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'eventarc-'));
  closers.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function eventarc(
  dir: string,
  urls: string[],
  options: Partial<EventarcOptions> & { attempts?: number } = {},
) {
  const dead: Delivery[] = [];
  const made = new Eventarc({
    dir,
    routes: [
      {
        definition: {
          name: 'processVideo',
          instance: { ...processVideo.instance, concurrency: 1, timeoutSeconds: 5 },
          maxDeliveryAttempts: options.attempts ?? 5,
        },
        bucket: 'raw',
        urls,
      },
    ],
    backoff: { minMs: 1, maxMs: 5 },
    onDeadLetter: (delivery) => dead.push(delivery),
    ...options,
  });
  closers.push(() => made.close());
  return { eventarc: made, dead };
}

const object = (fields = {}) => objectResource(fields) as unknown as ObjectResource;

test('a finalized object is posted as a CloudEvent in binary mode', async () => {
  const fn = await fakeFunction(() => 204);
  eventarc(folder(), [fn.url]).eventarc.accept(object({ name: 'Ferien "süß" 100%.mp4' }));
  await expect.poll(() => fn.received.length).toBe(1);
  const [{ headers, body }] = fn.received as [Received];
  expect(headers).toMatchObject({
    'ce-specversion': '1.0',
    'ce-type': 'google.cloud.storage.object.v1.finalized',
    'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
    'ce-subject': 'objects/Ferien%20%22s%C3%BC%C3%9F%22%20100%25.mp4',
    'ce-bucket': 'raw',
    'content-type': 'application/json',
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
  });
  expect(JSON.parse(body)).toMatchObject({ kind: 'storage#object', name: 'Ferien "süß" 100%.mp4' });
});

test('anything but 2xx is tried again with the same id, until it works', async () => {
  const fn = await fakeFunction((nth) => ([500, 404, 'cut', 302, 200] as const)[nth - 1]!);
  const results: (number | string)[] = [];
  const scene = eventarc(folder(), [fn.url], { onAttempt: (_, result) => results.push(result) });
  scene.eventarc.accept(object());
  await expect.poll(() => results.length).toBe(5);
  expect(results.filter((result) => typeof result === 'number')).toEqual([500, 404, 302, 200]);
  expect(new Set(fn.received.map(({ headers }) => headers['ce-id'])).size).toBe(1);
  expect(scene.dead).toEqual([]);
});

test('after the last attempt the event is kept as a dead letter with every attempt in it', async () => {
  const fn = await fakeFunction(() => 500);
  const scene = eventarc(folder(), [fn.url], { attempts: 3 });
  scene.eventarc.accept(object());
  await expect.poll(() => scene.dead.length).toBe(1);
  expect(fn.received).toHaveLength(3);
  expect(scene.eventarc.deadLetters()[0]!.attempts.map(({ result }) => result)).toEqual([500, 500, 500]);
});

describe('a dead letter is passed on', () => {
  test('again and again until that works', async () => {
    const fn = await fakeFunction(() => 500);
    const tried: string[] = [];
    const forward = async (delivery: Delivery): Promise<void> => {
      tried.push(delivery.id);
      if (tried.length < 3) throw new Error('Pub/Sub is away');
    };
    eventarc(folder(), [fn.url], { attempts: 1, forward }).eventarc.accept(object());
    await expect.poll(() => tried.length).toBe(3);
    expect(new Set(tried).size).toBe(1);
  });

  test('after a restart where it stopped in between, and no more once that is done', async () => {
    const dir = folder();
    const fn = await fakeFunction(() => 500);
    const forwarded: string[] = [];
    const first = eventarc(dir, [fn.url], { attempts: 1, forward: () => new Promise(() => {}) });
    first.eventarc.accept(object({ name: 'between.mp4' }));
    await expect.poll(() => first.dead.length).toBe(1);
    first.eventarc.close();

    const forward = async ({ body }: Delivery): Promise<void> => {
      forwarded.push(JSON.parse(body).name);
    };
    eventarc(dir, [fn.url], { forward });
    await expect.poll(() => new DeliveryStore(dir).loadUnforwarded()).toEqual([]);
    eventarc(dir, [fn.url], { forward }).eventarc.accept(object({ name: 'other.mp4' }));
    await expect.poll(() => fn.received.length).toBeGreaterThan(1);
    expect(forwarded.filter((name) => name === 'between.mp4')).toHaveLength(1);
  });

  test('in a message, however long the name of its object', async () => {
    const pubsub = await startTestPubsub({ topics: ['dead'] });
    const api = plainPubsub(() => pubsub.server.url);
    await api.createSubscription('kept', 'dead');
    const forwarder = createForwarder({ pubsubUrl: pubsub.server.url, topic: 'dead', project: 'local' });
    // in the headers three bytes become nine
    const name = 'あ'.repeat(341);
    const fn = await fakeFunction(() => 500);
    const scene = eventarc(folder(), [fn.url], { attempts: 2, forward: forwarder.forward });
    scene.eventarc.accept(object({ name }));
    const [{ message }] = (await eventually(() => api.pull('kept'))) as [
      Awaited<ReturnType<typeof api.pull>>[0],
    ];
    expect(JSON.parse(textOf({ message }))).toMatchObject({ kind: 'storage#object', name });
    expect(message.attributes).toMatchObject({
      'ce-id': expect.stringMatching(/^\d+$/),
      'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
      'content-type': 'application/json',
      CloudPubSubDeadLetterSourceSubscription: 'eventarc-processVideo',
      CloudPubSubDeadLetterSourceDeliveryCount: '2',
    });
    expect(message.attributes).not.toHaveProperty('ce-subject');
    forwarder.close();
    await pubsub.close();
  });

  test('whatever the crash left: marked and pending, or dead and pending', async () => {
    const dir = folder();
    const store = new DeliveryStore(dir);
    const delivery: Delivery = {
      id: '7-processVideo',
      function: 'processVideo',
      headers: {},
      body: JSON.stringify(object()),
      attempts: [{ at: '2026-11-21T00:00:00.000Z', result: 500 }],
      notBefore: 0,
    };
    store.giveUp(delivery);
    store.save(delivery);
    const fn = await fakeFunction(() => 500);
    const forwarded: string[] = [];
    const forward = async ({ id }: Delivery): Promise<void> => {
      forwarded.push(id);
    };
    const scene = eventarc(dir, [fn.url], { attempts: 2, forward });
    await expect.poll(() => scene.dead.length).toBe(1);
    await expect.poll(() => forwarded).toEqual(['7-processVideo', '7-processVideo']);
    expect(store.loadPending()).toEqual([]);
  });
});

test('what was pending when it stopped is delivered after a restart, with its attempts remembered', async () => {
  const dir = folder();
  const down = await fakeFunction(() => 503);
  const first = eventarc(dir, [down.url], { backoff: { minMs: 60_000, maxMs: 60_000 } });
  first.eventarc.accept(object({ name: 'tried.mp4' }));
  await expect.poll(() => down.received.length).toBe(1);
  first.eventarc.accept(object({ name: 'untried.mp4' }));
  await expect.poll(() => down.received.length).toBe(2);
  first.eventarc.close();

  const up = await fakeFunction(() => 204);
  const store = new DeliveryStore(dir);
  const pending = store.loadPending();
  expect(pending.map(({ attempts }) => attempts.length).sort()).toEqual([1, 1]);
  for (const delivery of pending) store.save({ ...delivery, notBefore: 0 });
  eventarc(dir, [up.url]);
  await expect.poll(() => up.received.length).toBe(2);
  expect(up.received.map(({ body }) => JSON.parse(body).name).sort()).toEqual(['tried.mp4', 'untried.mp4']);
});

test('a delivery under way when it stops is not lost', async () => {
  const dir = folder();
  const hanging = await fakeFunction(() => 'hang');
  const first = eventarc(dir, [hanging.url]);
  first.eventarc.accept(object());
  await expect.poll(() => hanging.received.length).toBe(1);
  first.eventarc.close();
  const up = await fakeFunction(() => 204);
  eventarc(dir, [up.url]);
  await expect.poll(() => up.received.length).toBe(1);
});

test('an instance gets as many requests at a time as the trigger allows', async () => {
  const fn = await fakeFunction(() => 204);
  const scene = eventarc(folder(), [fn.url]);
  for (let n = 1; n <= 8; n++) scene.eventarc.accept(object({ generation: String(n) }));
  await expect.poll(() => fn.received.length).toBe(8);
  expect(fn.mostActive()).toBe(1);
});

test('the same generation taken over twice is one event', async () => {
  const fn = await fakeFunction(() => 204);
  const scene = eventarc(folder(), [fn.url]);
  scene.eventarc.accept(object());
  scene.eventarc.accept(object());
  await expect.poll(() => fn.received.length).toBeGreaterThan(0);
  expect(new Set(fn.received.map(({ headers }) => headers['ce-id'])).size).toBe(1);
});

test("objects of other buckets are nobody's event", async () => {
  const fn = await fakeFunction(() => 204);
  const scene = eventarc(folder(), [fn.url]);
  scene.eventarc.accept(object({ bucket: 'frames' }));
  scene.eventarc.accept(object({ name: 'last.mp4' }));
  await expect.poll(() => fn.received.length).toBe(1);
  expect(JSON.parse(fn.received[0]!.body).name).toBe('last.mp4');
});

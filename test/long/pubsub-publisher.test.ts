import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { metadataEnvironment, startMetadataServer } from '../../local/metadata-server.ts';
import { freePort } from '../../local/ports.ts';
import type { FaultAction } from '../../local/pubsub/faults.ts';
import { localCertificate } from '../../local/vertex/tls.ts';
import { AppError } from '../../shared/core/errors.ts';
import { createPublisher, type Publisher } from '../../shared/gcp/pubsub.ts';
import type { PubsubOptions } from '../../shared/gcp/pubsub-client.ts';
import { bundledScript } from '../helpers/bundled-script.ts';
import { plainPubsub, startTestPubsub, type TestPubsub, textOf } from '../helpers/pubsub.ts';
import { createSubscriber } from '../helpers/pubsub-subscriber.ts';

let pubsub: TestPubsub;
let count = 0;
const open: Publisher[] = [];
const api = plainPubsub(() => pubsub.server.url);

function newPublisher(options: Partial<PubsubOptions> = {}): Publisher {
  const publisher = createPublisher({
    project: 'local',
    apiEndpoint: pubsub.server.url,
    retry: { attempts: 3, baseMs: 1, maxMs: 5 },
    ...options,
  });
  open.push(publisher);
  return publisher;
}

/** Creates an empty subscription. */
async function newSubscription(settings: Record<string, unknown> = {}): Promise<string> {
  const name = `sub-${++count}`;
  await api.createSubscription(name, 'events', settings);
  return name;
}

function fail(action: FaultAction, times: number): void {
  pubsub.server.faults.add({ action, times, operations: ['publish'] });
}

beforeAll(async () => {
  pubsub = await startTestPubsub({ topics: ['events'] });
});
afterEach(() => {
  pubsub.server.faults.clear();
  for (const one of open.splice(0)) one.close();
});
afterAll(() => pubsub.close());

const message = { data: 'x' };

describe('publishing from a function', () => {
  test('text, bytes and parts of buffers arrive unchanged, with their attributes', async () => {
    const name = await newSubscription();
    const bytes = Buffer.from([0, 255, 1]);
    const ids = await newPublisher().publish('projects/local/topics/events', [
      { data: 'é😀', attributes: { a: 'b' }, orderingKey: 'k' },
      { data: new Uint8Array([1, 2, 3]).subarray(1), orderingKey: 'k' },
      { data: bytes, orderingKey: 'k' },
    ]);
    const received = await api.pull(name);
    expect(received.map(({ message: { messageId } }) => messageId)).toEqual(ids);
    expect(textOf(received[0]!)).toBe('é😀');
    expect(received[0]!.message).toMatchObject({ attributes: { a: 'b' }, orderingKey: 'k' });
    expect(received[1]!.message.data).toBe('AgM=');
    expect(received[2]!.message.data).toBe('AP8B');
  });

  test('no messages take no request', async () => {
    pubsub.server.resetStats();
    expect(await newPublisher().publish('events', [])).toEqual([]);
    expect(pubsub.server.stats().operations).toEqual({});
  });

  test.each<[string, FaultAction]>([
    ['503', { kind: 'status', status: 503 }],
    ['429', { kind: 'status', status: 429 }],
    ['500', { kind: 'status', status: 500 }],
    ['504', { kind: 'status', status: 504 }],
    ['a connection closed', { kind: 'drop' }],
  ])('%s twice: published at the third try, once', async (_, action) => {
    const name = await newSubscription();
    fail(action, 2);
    const ids = await newPublisher().publish('events', [message]);
    expect((await api.pull(name)).map(({ message: { messageId } }) => messageId)).toEqual(ids);
  });

  test('a lost answer: published again, and the second id is returned', async () => {
    const name = await newSubscription();
    fail({ kind: 'applied-drop' }, 1);
    const [id] = await newPublisher().publish('events', [message]);
    const received = await api.pull(name);
    expect(received).toHaveLength(2);
    expect(received[1]!.message.messageId).toBe(id);
  });

  test.each<[string, FaultAction, number]>([
    ['quota', { kind: 'status', status: 429 }, 3],
    ['unavailable', { kind: 'status', status: 503 }, 3],
    ['unavailable', { kind: 'drop' }, 3],
    ['timeout', { kind: 'status', status: 504 }, 3],
    ['denied', { kind: 'status', status: 403 }, 1],
    ['denied', { kind: 'status', status: 401 }, 1],
    ['invalid-event', { kind: 'status', status: 400 }, 1],
    ['invalid-config', { kind: 'status', status: 404 }, 1],
  ])('%s: %j, after %i tries', async (code, action, tries) => {
    fail(action, 100);
    await expect(newPublisher().publish('events', [message])).rejects.toMatchObject({
      name: 'AppError',
      code,
    });
    expect(pubsub.server.faults.list()[0]?.met).toBe(tries);
  });

  test('a server that does not answer is unavailable', async () => {
    const publisher = newPublisher({ apiEndpoint: `http://127.0.0.1:${await freePort()}` });
    await expect(publisher.publish('events', [message])).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('no answer in time is a timeout, and the request is retried', async () => {
    fail({ kind: 'delay', ms: 60_000 }, 1);
    const publisher = newPublisher({ timeoutMs: 100 });
    expect(await publisher.publish('events', [message])).toHaveLength(1);
  });

  test('an abort ends the request and its retries, with the reason of the attempt', async () => {
    fail({ kind: 'delay', ms: 60_000 }, 100);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new AppError('timeout', 'not done after 100 ms')), 100);
    const before = Date.now();
    const publishing = newPublisher().publish('events', [message], { signal: controller.signal });
    await expect(publishing).rejects.toMatchObject({ code: 'timeout', message: 'not done after 100 ms' });
    expect(Date.now() - before).toBeLessThan(5_000);
    await expect(
      newPublisher().publish('events', [message], { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'timeout' });
  });

  test('many messages are split into requests within the limits, and ids keep their order', async () => {
    const name = await newSubscription();
    pubsub.server.resetStats();
    const ids = await newPublisher().publish(
      'events',
      Array.from({ length: 2_001 }, (_, index) => ({ data: String(index) })),
    );
    expect(pubsub.server.stats().operations.publish).toBe(3);
    const texts = new Map<string, string>();
    for (let batch = await api.pull(name, 1_000); batch.length > 0; batch = await api.pull(name, 1_000)) {
      for (const one of batch) texts.set(one.message.messageId, textOf(one));
    }
    expect(ids.map((id) => texts.get(id))).toEqual(ids.map((_, index) => String(index)));
  });

  test('large messages share a request only if they fit', async () => {
    pubsub.server.resetStats();
    const large = { data: Buffer.alloc(4_000_000) };
    await newPublisher().publish('events', [large, message, large, large]);
    expect(pubsub.server.stats().operations.publish).toBe(3);
    const largest = { data: Buffer.alloc(10 * 1024 * 1024) };
    expect(await newPublisher().publish('events', [largest])).toHaveLength(1);
  });

  test('a message beyond the limit is refused before anything is sent', async () => {
    pubsub.server.resetStats();
    const tooLarge = { data: Buffer.alloc(10 * 1024 * 1024 + 1) };
    await expect(newPublisher().publish('events', [message, tooLarge])).rejects.toMatchObject({
      code: 'too-large',
      message: 'message data must have at most 10485760 bytes, got 10485761',
    });
    expect(pubsub.server.stats().operations).toEqual({});
  });

  test('messages of one key stay in order despite faults; keys do not share requests', async () => {
    const name = await newSubscription({ enableMessageOrdering: true });
    fail({ kind: 'status', status: 503 }, 3);
    const wanted = Array.from({ length: 1_200 }, (_, index) => ({ data: String(index), orderingKey: 'one' }));
    await newPublisher({ retry: { attempts: 10, baseMs: 1 } }).publish('events', [
      { data: 'other', orderingKey: 'two' },
      ...wanted,
    ]);
    const stored: string[] = [];
    await api.ok('PATCH', api.subscriptionName(name), {
      subscription: { ackDeadlineSeconds: 600 },
      updateMask: 'ackDeadlineSeconds',
    });
    for (let batch = await api.pull(name); batch.length > 0; batch = await api.pull(name)) {
      for (const one of batch) if (one.message.orderingKey === 'one') stored.push(textOf(one));
      await api.acknowledge(name, ...batch);
    }
    expect(stored).toEqual(wanted.map(({ data }) => data));
  }, 60_000);
});

describe('pulling from a tool', () => {
  test('messages arrive as sent, are returned, and are acknowledged in batches', async () => {
    const name = await newSubscription();
    const subscriber = createSubscriber({ project: 'local', apiEndpoint: pubsub.server.url });
    await newPublisher().publish('events', [{ data: 'hello', attributes: { a: 'b' } }]);
    const [received] = await subscriber.pull(name, 10);
    expect(received).toMatchObject({ attributes: { a: 'b' }, orderingKey: '', deliveryAttempt: undefined });
    expect(received!.data.toString()).toBe('hello');
    expect(Date.now() - received!.publishTime.getTime()).toBeLessThan(60_000);
    await subscriber.modifyAckDeadline(name, [received!.ackId], 0);
    const [again] = await subscriber.pull(name, 10);
    expect(again!.messageId).toBe(received!.messageId);
    pubsub.server.resetStats();
    await subscriber.acknowledge(name, new Array<string>(2_500).fill(again!.ackId));
    expect(pubsub.server.stats().operations.acknowledge).toBe(3);
    expect(await subscriber.pull(name, 10)).toEqual([]);
    await expect(subscriber.pull('no-such', 1)).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('projects/local/subscriptions/no-such does not exist'),
    });
    subscriber.close();
  });
});

describe('credentials', () => {
  test("over TLS the metadata server's token is sent along, and requested once", async () => {
    const dir = await mkdtemp(join(tmpdir(), 'pubsub-auth-'));
    const { key, cert, caPath } = await localCertificate(dir);
    const metadata = await startMetadataServer({ projectId: 'local' });
    const seen: (string | undefined)[] = [];
    const server = createTlsServer({ key, cert }, (request, response) => {
      request.resume();
      seen.push(request.headers.authorization);
      response.end(JSON.stringify({ messageIds: [String(seen.length)] }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          await bundledScript(new URL('../helpers/pubsub-publish-process.ts', import.meta.url)),
          `https://localhost:${(server.address() as AddressInfo).port}`,
        ],
        { env: { ...process.env, ...metadataEnvironment(metadata, dir), NODE_EXTRA_CA_CERTS: caPath } },
      );
      expect(JSON.parse(stdout)).toEqual(['1', '2']);
      const bearer = 'Bearer local-access-token-of-local';
      expect(seen).toEqual([bearer, bearer]);
      const tokens = Object.entries(metadata.requests()).filter(([path]) => path.endsWith('/token'));
      expect(tokens.map(([, times]) => times)).toEqual([1]);
    } finally {
      server.closeAllConnections();
      server.close();
      await metadata.close();
      await rm(dir, { recursive: true, force: true });
    }
  });

  test('without any, the error says so', async () => {
    const auth = {
      getAccessToken: async () => Promise.reject(new Error('Could not load the default credentials')),
    };
    const publisher = newPublisher({ apiEndpoint: 'https://localhost:1', auth });
    await expect(publisher.publish('events', [message])).rejects.toMatchObject({
      code: 'denied',
      message: 'Pub/Sub: no access token: Could not load the default credentials',
    });
  });
});

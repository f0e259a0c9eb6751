import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PubsubStats } from '../../local/pubsub/stats.ts';
import {
  base64,
  eventually,
  plainPubsub,
  startEndpoint,
  startTestPubsub,
  type TestPubsub,
  textOf,
} from '../helpers/pubsub.ts';

let pubsub: TestPubsub;
/** Hours by which the server's clock is ahead. */
let hours = 0;
const api = plainPubsub(() => pubsub.server.url);
const TOPIC = 'projects/local/topics/events';
let count = 0;
const fresh = (): string => `sub-${++count}`;

beforeAll(async () => {
  pubsub = await startTestPubsub({ topics: ['events'], now: () => Date.now() + hours * 3_600_000 });
});
afterAll(() => pubsub.close());

describe('forms of requests', () => {
  test('both spellings of names, numbers as text, gzip, and null for nothing', async () => {
    const name = fresh();
    const sent = { topic: TOPIC, ack_deadline_seconds: '33', filter: null, labels: null };
    expect(await api.ok('PUT', `projects/local/subscriptions/${name}`, sent)).toMatchObject({
      ackDeadlineSeconds: 33,
    });
    const response = await fetch(`${pubsub.server.url}/v1/${TOPIC}:publish?alt=json`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
      body: gzipSync(JSON.stringify({ messages: [{ data: base64('x'), ordering_key: 'k' }] })),
    });
    expect(response.status).toBe(200);
    const answer = await api.ok('POST', `projects/local/subscriptions/${name}:pull`, { max_messages: 1 });
    expect(answer['receivedMessages']).toMatchObject([{ message: { data: base64('x'), orderingKey: 'k' } }]);
  });

  test('a pull waits for a message, and ends when its client goes away', async () => {
    const name = fresh();
    await api.createSubscription(name, 'events');
    const pull = api.ok('POST', `projects/local/subscriptions/${name}:pull`, { maxMessages: 1 });
    await delay(100);
    await api.publish('events', { data: base64('late') });
    expect((await pull)['receivedMessages']).toMatchObject([{ message: { data: base64('late') } }]);

    const sent = request(`${pubsub.server.url}/v1/projects/local/subscriptions/${name}:pull`, {
      method: 'POST',
    });
    sent.on('error', () => undefined);
    sent.end('{"maxMessages":1}');
    await delay(100);
    sent.destroy();
    await delay(100);
    await api.publish('events', { data: base64('next') });
    // not leased: a lease of the client that left would have lasted 10 s
    expect((await eventually(() => api.pull(name), 3_000)).map(textOf)).toEqual(['next']);
  });
});

describe('time', () => {
  afterEach(() => {
    hours = 0;
  });

  test("messages are kept for the subscription's retention", async () => {
    const short = fresh();
    const long = fresh();
    await api.createSubscription(short, 'events', { messageRetentionDuration: '7200s' });
    await api.createSubscription(long, 'events');
    await api.publish('events', { data: base64('x') });
    hours = 1;
    await api.publish('events', { data: base64('y') });
    hours = 2.5;
    expect((await api.pull(short)).map(textOf)).toEqual(['y']);
    expect((await api.pull(long)).map(textOf)).toEqual(['x', 'y']);
  });
});

describe('what a restart keeps', () => {
  test('topics, subscriptions, messages and acknowledgements; leases end', async () => {
    const name = fresh();
    const settings = { labels: { a: 'b' }, filter: 'attributes:keep', retainAckedMessages: true };
    await api.createSubscription(name, 'events', settings);
    await api.createTopic('second-topic');
    await api.ok('PATCH', 'projects/local/topics/second-topic', {
      topic: { labels: { c: 'd' } },
      updateMask: 'labels',
    });
    await api.createTopic('third-topic');
    await api.ok('DELETE', 'projects/local/topics/third-topic');
    const attributes = { keep: '1' };
    await api.publish('events', { data: base64('done'), attributes }, { data: base64('taken'), attributes });
    await api.publish('events', { data: base64('filtered') });
    const [done, taken] = await api.pull(name);
    await api.acknowledge(name, done!);
    const before = await api.ok('GET', `projects/local/subscriptions/${name}`);

    await pubsub.restart();
    expect(await api.ok('GET', `projects/local/subscriptions/${name}`)).toEqual(before);
    expect(await api.ok('GET', 'projects/local/topics/second-topic')).toMatchObject({ labels: { c: 'd' } });
    expect((await api.call('GET', 'projects/local/topics/third-topic')).status).toBe(404);
    expect((await api.pull(name)).map(textOf)).toEqual(['taken']);
    // an ack id from before the restart still works
    await api.acknowledge(name, taken!);
    await pubsub.restart();
    expect(await api.pull(name)).toEqual([]);
    await api.ok('POST', `projects/local/subscriptions/${name}:seek`, { time: '2020-01-01T00:00:00Z' });
    await pubsub.restart();
    expect((await api.pull(name)).map(textOf)).toEqual(['done', 'taken']);
  });

  test('a subscription recreated under its old name starts empty', async () => {
    const name = fresh();
    await api.createSubscription(name, 'events');
    await api.publish('events', { data: base64('old') });
    await api.ok('DELETE', `projects/local/subscriptions/${name}`);
    await api.createSubscription(name, 'events');
    await pubsub.restart();
    expect(await api.pull(name)).toEqual([]);
    await api.publish('events', { data: base64('new') });
    await pubsub.restart();
    expect((await api.pull(name)).map(textOf)).toEqual(['new']);
  });

  test('a topic recreated under its old name has no subscriptions', async () => {
    const name = fresh();
    await api.createTopic('again');
    await api.createSubscription(name, 'again');
    await api.ok('DELETE', 'projects/local/topics/again');
    await api.createTopic('again');
    await pubsub.restart();
    expect(await api.ok('GET', `projects/local/subscriptions/${name}`)).toMatchObject({
      topic: '_deleted-topic_',
    });
    expect(await api.ok('GET', 'projects/local/topics/again/subscriptions')).toEqual({});
  });

  test('pushes continue after it', async () => {
    const name = fresh();
    const endpoint = await startEndpoint(() => 200);
    await api.createSubscription(name, 'events', { pushConfig: { pushEndpoint: endpoint.url } });
    await pubsub.restart();
    await api.publish('events', { data: base64('x') });
    await eventually(() => endpoint.pushes);
    await api.ok('DELETE', `projects/local/subscriptions/${name}`);
    await endpoint.close();
  });
});

describe('endpoints for other processes', () => {
  const admin = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${pubsub.server.url}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const publishOne = (): Promise<number> =>
    fetch(`${pubsub.server.url}/v1/${TOPIC}:publish`, {
      method: 'POST',
      body: JSON.stringify({ messages: [{ data: 'YQ==' }] }),
    }).then(
      ({ status }) => status,
      () => 0,
    );
  afterEach(() => admin('DELETE', '/_faults'));

  test('faults, once or forever, before or after the work', async () => {
    const name = fresh();
    await api.createSubscription(name, 'events');
    await admin('POST', '/_faults', { action: { kind: 'status', status: 503 }, operations: ['publish'] });
    await admin('POST', '/_faults', { action: { kind: 'applied-drop' }, operations: ['publish'] });
    await admin('POST', '/_faults', {
      action: { kind: 'applied-status', status: 500 },
      operations: ['publish'],
    });
    await admin('POST', '/_faults', { action: { kind: 'drop' }, name: 'events' });
    expect([await publishOne(), await publishOne(), await publishOne(), await publishOne()]).toEqual([
      503, 0, 500, 0,
    ]);
    expect(await publishOne()).toBe(200);
    expect(await api.pull(name)).toHaveLength(3);
    await admin('POST', '/_faults', { action: { kind: 'delay', ms: 150 }, times: -1 });
    const before = Date.now();
    expect(await publishOne()).toBe(200);
    expect(Date.now() - before).toBeGreaterThanOrEqual(149);
  });

  test('an unknown fault is refused by name', async () => {
    for (const body of [{}, { action: { kind: 'nonsense' } }, { action: { kind: 'delay' } }]) {
      expect((await admin('POST', '/_faults', body)).status).toBe(400);
    }
    const stranger = { action: { kind: 'drop' }, operations: ['nonsense'] };
    expect(await (await admin('POST', '/_faults', stranger)).text()).toContain('got nonsense');
  });

  test('counts', async () => {
    await admin('DELETE', '/_stats');
    const name = fresh();
    await api.createSubscription(name, 'events');
    await api.publish('events', { data: base64('a') }, { data: base64('b') });
    await api.acknowledge(name, ...(await api.pull(name, 1)));
    await api.call('GET', 'projects/local/topics/no-such');
    const stats = (await (await admin('GET', '/_stats')).json()) as PubsubStats;
    expect(stats).toMatchObject({
      operations: { publish: 1, pull: 1, acknowledge: 1, subscription: 1, topic: 1 },
      statuses: { 200: 5, 404: 1 },
      messages: { published: 2, delivered: 1, acknowledged: 1, failed: 0, deadLettered: 0 },
    });
    expect(stats.subscriptions[`projects/local/subscriptions/${name}`]).toEqual({
      backlog: 1,
      outstanding: 0,
      oldest: expect.stringMatching(/^\d{4}-\d\d-\d\dT.+Z$/),
    });
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../local/ports.ts';
import type { DeadLetter } from '../../local/pubsub/broker.ts';
import type { FunctionSubscription } from '../../local/pubsub/function-subscription.ts';
import type { PushAttempt } from '../../local/pubsub/push.ts';
import type { PubsubServerOptions } from '../../local/pubsub/server.ts';
import { FULL } from '../helpers/full-form.ts';
import {
  base64,
  type Endpoint,
  eventually,
  type Pushed,
  plainPubsub,
  startEndpoint,
  startTestPubsub,
  type TestPubsub,
  textOf,
} from '../helpers/pubsub.ts';

const BACKOFF = { minMs: 10, maxMs: 40 };

let pubsub: TestPubsub;
const endpoints: Endpoint[] = [];
const api = plainPubsub(() => pubsub.server.url);

async function start(options: Partial<PubsubServerOptions> = {}): Promise<void> {
  pubsub = await startTestPubsub({ topics: ['events', 'dead-letters'], ...options });
}

async function endpoint(...args: Parameters<typeof startEndpoint>): Promise<Endpoint> {
  const started = await startEndpoint(...args);
  endpoints.push(started);
  return started;
}

function subscribe(settings: Partial<FunctionSubscription>): void {
  pubsub.server.subscribeFunction({
    name: 'ingest-sub',
    topic: 'events',
    urls: [],
    concurrency: 4,
    backoff: BACKOFF,
    deadLetterTopic: 'dead-letters',
    ...settings,
  });
}

const text = ({ body }: Pushed): string => Buffer.from(String(body.message['data']), 'base64').toString();
const publish = (...texts: string[]): Promise<string[]> =>
  api.publish('events', ...texts.map((one) => ({ data: base64(one) })));
const backlog = (): number =>
  pubsub.server.stats().subscriptions['projects/local/subscriptions/ingest-sub']?.backlog ?? -1;

afterEach(async () => {
  await pubsub.close();
  for (const one of endpoints.splice(0)) await one.close();
});

describe('a function subscribed to a topic', () => {
  test('gets a push to the path of its topic, which becomes a CloudEvent there', async () => {
    await start();
    const { url, pushes } = await endpoint();
    subscribe({ urls: [url] });
    const attributes = { 'ce-type': 'video.framed' };
    const [id] = await api.publish('events', { data: base64('hello'), attributes, orderingKey: 'k' });
    const [pushed] = await eventually(() => pushes);
    const { publishTime } = pushed!.body.message;
    expect(pushed!.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(pushed!.text.length),
    });
    expect(pushed!.path).toBe('/projects/local/topics/events');
    expect(pushed!.headers).not.toHaveProperty('ce-id');
    expect(pushed!.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(pushed!.body).toEqual({
      subscription: 'projects/local/subscriptions/ingest-sub',
      deliveryAttempt: 1,
      message: {
        data: base64('hello'),
        attributes,
        orderingKey: 'k',
        messageId: id,
        message_id: id,
        publishTime,
        publish_time: publishTime,
      },
    });
  });

  test('a failed delivery is retried with growing waits, then becomes a dead letter', async () => {
    const letters: DeadLetter[] = [];
    const attempts: PushAttempt[] = [];
    await start({ onDeadLetter: (letter) => letters.push(letter) });
    const { url, pushes } = await endpoint(() => 500);
    subscribe({
      urls: [url],
      maxDeliveryAttempts: 4,
      backoff: { minMs: 50, maxMs: 150 },
      onAttempt: (attempt) => attempts.push(attempt),
    });
    await api.createSubscription('dead', 'dead-letters');
    const [id] = await publish('poison');
    const [letter] = await eventually(() => api.pull('dead'));
    expect(pushes.map(({ body }) => body.deliveryAttempt)).toEqual([1, 2, 3, 4]);
    const waits = pushes.slice(1).map(({ at }, index) => at - pushes[index]!.at);
    for (const [index, least] of [49, 99, 149].entries()) expect(waits[index]).toBeGreaterThanOrEqual(least);
    expect(textOf(letter!)).toBe('poison');
    expect(letter!.message.attributes).toEqual({
      CloudPubSubDeadLetterSourceDeliveryCount: '4',
      CloudPubSubDeadLetterSourceSubscription: 'ingest-sub',
      CloudPubSubDeadLetterSourceSubscriptionProject: 'local',
      CloudPubSubDeadLetterSourceTopicPublishTime: pushes[0]!.body.message['publishTime'],
    });
    expect(attempts.map(({ attempt, result }) => [attempt, result])).toEqual(
      [1, 2, 3, 4].map((n) => [n, 500]),
    );
    expect(letters).toMatchObject([
      { messageId: id, attempts: 4, topic: 'projects/local/topics/dead-letters' },
    ]);
    expect(backlog()).toBe(0);
  });

  test('no answer before the ack deadline is a failed attempt, and so is a cut connection', async () => {
    const attempts: PushAttempt[] = [];
    await start();
    const answers = ['hang', 'cut', 200] as const;
    const { url } = await endpoint((_, index) => answers[index] ?? 500);
    subscribe({ urls: [url], ackDeadlineSeconds: 0.2, onAttempt: (attempt) => attempts.push(attempt) });
    await publish('x');
    await eventually(() => attempts.length === 3);
    expect(attempts.map(({ result }) => result)).toEqual(['no response within 200 ms', 'ECONNRESET', 200]);
    await eventually(() => backlog() === 0);
  });

  test('while nobody listens, messages wait and no attempt is counted', async () => {
    await start();
    const port = await freePort();
    subscribe({ urls: [`http://127.0.0.1:${port}/`], maxDeliveryAttempts: 1 });
    await publish('a', 'b', 'c');
    await delay(700);
    expect(pubsub.server.stats().messages.deadLettered).toBe(0);
    const { pushes } = await endpoint(() => 200, port);
    await eventually(() => pushes.length === 3);
    expect(pushes.map(text).sort()).toEqual(['a', 'b', 'c']);
    expect(pushes.map(({ body }) => body.deliveryAttempt)).toEqual([1, 1, 1]);
  });

  test('an instance that is down leaves its messages to the others', async () => {
    await start();
    const { url, pushes } = await endpoint();
    subscribe({ urls: [`http://127.0.0.1:${await freePort()}/`, url], concurrency: 2 });
    await publish(...Array.from({ length: 50 }, (_, index) => String(index)));
    await eventually(() => backlog() === 0);
    expect(new Set(pushes.map(text)).size).toBe(50);
    expect(pushes).toHaveLength(50);
  });

  test('each instance takes a bounded number of requests at a time, and all instances are used', async () => {
    await start();
    const slow = async (): Promise<number> => {
      await delay(20);
      return 200;
    };
    const one = await endpoint(slow);
    const two = await endpoint(slow);
    subscribe({ urls: [one.url, two.url], concurrency: 3 });
    await publish(...Array.from({ length: 60 }, (_, index) => String(index)));
    await eventually(() => backlog() === 0);
    expect([one.peak, two.peak]).toEqual([3, 3]);
    expect(one.pushes.length + two.pushes.length).toBe(60);
  });

  test('messages published before a restart are delivered after it, answered ones are not', async () => {
    await start();
    const { url, pushes } = await endpoint(({ body }) =>
      Buffer.from(String(body.message['data']), 'base64').toString() === 'later' ? 500 : 200,
    );
    subscribe({ urls: [url], backoff: { minMs: 60_000, maxMs: 60_000 } });
    await publish('now', 'later');
    await eventually(() => pushes.length === 2 && backlog() === 1);
    await pubsub.restart();
    await publish('meanwhile');
    await delay(100);
    expect(pushes).toHaveLength(2);
    const next = await endpoint();
    subscribe({ urls: [next.url] });
    await eventually(() => next.pushes.length === 2);
    // the failed attempt before the restart counts
    const seen = next.pushes.map((pushed) => [text(pushed), pushed.body.deliveryAttempt]).sort();
    expect(seen).toEqual([
      ['later', 2],
      ['meanwhile', 1],
    ]);
  });

  test('subscribing again applies the new settings and keeps the backlog', async () => {
    await start();
    subscribe({ urls: [] });
    await publish('waiting');
    const { url, pushes } = await endpoint();
    subscribe({ urls: [url], filter: 'attributes:a' });
    await eventually(() => pushes);
    await api.publish('events', { data: base64('no') }, { data: base64('yes'), attributes: { a: '1' } });
    await eventually(() => pushes.length === 2);
    expect(pushes.map(text)).toEqual(['waiting', 'yes']);
  });

  test('its filter drops messages that do not match, silently', async () => {
    await start();
    const { url, pushes } = await endpoint();
    subscribe({ urls: [url], filter: 'attributes."ce-type" = "a" OR attributes."ce-type" = "b"' });
    const typed = (type: string) => ({ data: base64(type), attributes: { 'ce-type': type } });
    await api.publish('events', typed('c'), { data: base64('untyped') }, typed('a'), typed('b'));
    await eventually(() => pushes.length === 2);
    expect(pushes.map(text).sort()).toEqual(['a', 'b']);
    expect(backlog()).toBe(0);
  });

  test('with ordering, a message waits until earlier ones of its key are settled or given up', async () => {
    await start();
    const { url, pushes } = await endpoint((pushed) => (text(pushed) === 'poison' ? 500 : 200));
    subscribe({ urls: [url], ordering: true, maxDeliveryAttempts: 3, concurrency: 8 });
    const keyed = (data: string, orderingKey: string) => ({ data: base64(data), orderingKey });
    await api.publish('events', keyed('poison', 'A'), keyed('a2', 'A'), keyed('a3', 'A'));
    await api.publish('events', keyed('b1', 'B'));
    await eventually(() => backlog() === 0);
    const ofA = pushes.map(text).filter((one) => one !== 'b1');
    expect(ofA).toEqual(['poison', 'poison', 'poison', 'a2', 'a3']);
    expect(pushes.map(text)).toContain('b1');
    expect(pushes.find((one) => text(one) === 'a3')!.body.message['orderingKey']).toBe('A');
  });

  test('ordering that is turned on applies to waiting messages, too', async () => {
    await start();
    subscribe({ urls: [] });
    const keyed = Array.from({ length: 20 }, (_, n) => ({ data: base64(String(n)), orderingKey: 'A' }));
    await api.publish('events', ...keyed);
    const { url, pushes } = await endpoint(async () => {
      await delay(Math.random() * 5);
      return 200;
    });
    subscribe({ urls: [url], ordering: true, concurrency: 8 });
    await eventually(() => backlog() === 0);
    expect(pushes.map(text)).toEqual(keyed.map((_, n) => String(n)));
  });

  test("under a new name it keeps the old one's backlog, across a restart, too", async () => {
    await start();
    subscribe({ name: 'eventarc-sub', urls: [] });
    await publish('before');
    subscribe({ name: 'ingest-sub', formerName: 'eventarc-sub', urls: [] });
    await publish('after');
    await pubsub.restart();
    const { url, pushes } = await endpoint();
    subscribe({ name: 'ingest-sub', formerName: 'eventarc-sub', urls: [url] });
    await eventually(() => pushes.length === 2);
    expect(pushes.map(text)).toEqual(['before', 'after']);
    expect(pushes[0]!.body.subscription).toBe('projects/local/subscriptions/ingest-sub');
    expect(Object.keys(pubsub.server.stats().subscriptions)).toEqual([
      'projects/local/subscriptions/ingest-sub',
    ]);
  });

  test('other settings may be changed by request during deliveries', async () => {
    await start();
    const { url, pushes } = await endpoint();
    subscribe({ urls: [url], maxDeliveryAttempts: 5 });
    await api.ok('PATCH', 'projects/local/subscriptions/ingest-sub', {
      subscription: { ackDeadlineSeconds: 60 },
      updateMask: 'ackDeadlineSeconds',
    });
    await publish('x');
    await eventually(() => pushes);
    expect(await api.ok('GET', 'projects/local/subscriptions/ingest-sub')).toMatchObject({
      ackDeadlineSeconds: 60,
    });
  });

  test('a function’s messages cannot be pulled by others', async () => {
    await start();
    subscribe({ urls: [] });
    const answer = await api.call('POST', 'projects/local/subscriptions/ingest-sub:pull', { maxMessages: 1 });
    expect(answer).toMatchObject({ status: 400, body: { error: { status: 'FAILED_PRECONDITION' } } });
  });

  test('without its dead-letter topic a message is kept, and retried until the topic is back', async () => {
    await start();
    const { url, pushes } = await endpoint(() => 500);
    subscribe({ urls: [url], maxDeliveryAttempts: 2 });
    await api.ok('DELETE', 'projects/local/topics/dead-letters');
    await publish('poison');
    await eventually(() => pushes.length >= 4);
    expect(backlog()).toBe(1);
    await api.createTopic('dead-letters');
    await api.createSubscription('dead', 'dead-letters');
    await eventually(() => api.pull('dead'));
    expect(backlog()).toBe(0);
  });

  test('a message of 10 MiB is pushed whole', async () => {
    await start();
    const { url, pushes } = await endpoint();
    subscribe({ urls: [url] });
    const data = Buffer.alloc(10 * 1024 * 1024, 'frame ').toString('base64');
    await api.publish('events', { data });
    const [pushed] = await eventually(() => pushes);
    expect(pushed!.body.message['data'] === data).toBe(true);
  });

  test('thousands of messages over a few connections', async () => {
    await start();
    const { url, pushes } = await endpoint();
    subscribe({ urls: [url], concurrency: 80 });
    const batches = FULL ? 3 : 1;
    for (let batch = 0; batch < batches; batch++) {
      await publish(...Array.from({ length: 1_000 }, (_, index) => `${batch}.${index}`));
    }
    await eventually(() => backlog() === 0);
    expect(pushes).toHaveLength(batches * 1_000);
    expect(new Set(pushes.map(text)).size).toBe(batches * 1_000);
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { createPublisher } from '../../shared/gcp/pubsub.ts';
import { base64, eventually, textOf } from '../helpers/pubsub.ts';
import { createSubscriber } from '../helpers/pubsub-subscriber.ts';
import type { Scenarios } from './pubsub.ts';

/** Messages from publish to acknowledgement, and the limits of a request. */
export function messageScenarios({
  api,
  backend,
  expectError,
  fresh,
  newSubscription,
  newTopic,
  next,
  publishAnswer,
  test,
}: Scenarios): void {
  test('a message reaches every subscription as it was published', async () => {
    const topic = await newTopic();
    const one = await newSubscription(topic);
    const two = await newSubscription(topic);
    const before = Date.now();
    const attributes = { 'ce-type': 'a.b', empty: '', 'naïve key': '{"é": "😀"}' };
    const [id] = await api.publish(topic, { data: base64('hello'), attributes });
    for (const subscription of [one, two]) {
      const [received, ...others] = await next(subscription);
      expect(others).toEqual([]);
      expect(received?.message).toMatchObject({ messageId: id, data: base64('hello'), attributes });
      expect(Math.abs(Date.parse(received!.message.publishTime) - before)).toBeLessThan(60_000);
      expect(received).not.toHaveProperty('deliveryAttempt');
    }
  });

  test('data alone and attributes alone make a message; a message with neither is refused', async () => {
    const topic = await newTopic();
    const subscription = await newSubscription(topic);
    const ids = await api.publish(topic, { data: base64('x') }, { attributes: { a: 'b' } });
    expect(new Set(ids).size).toBe(2);
    const received = new Map((await next(subscription)).map(({ message }) => [message.messageId, message]));
    expect(received.get(ids[0]!)).not.toHaveProperty('attributes');
    expect(received.get(ids[1]!)).not.toHaveProperty('data');
    for (const message of [{}, { data: '' }, { attributes: {} }]) {
      expectError(await publishAnswer(topic, { messages: [message] }), 400, 'INVALID_ARGUMENT');
    }
  });

  test('base64 may use either alphabet, with or without padding', async () => {
    const topic = await newTopic();
    const subscription = await newSubscription(topic);
    await api.publish(topic, { data: '-_8' }, { data: '+/8=' });
    const received = await next(subscription);
    expect(received.map(({ message }) => message.data)).toEqual(['+/8=', '+/8=']);
  });

  test('messages published before the subscription existed are not delivered', async () => {
    const topic = await newTopic();
    await api.publish(topic, { data: base64('early') });
    const subscription = await newSubscription(topic);
    await api.publish(topic, { data: base64('late') });
    expect((await next(subscription)).map(textOf)).toEqual(['late']);
  });

  test('a pull takes at most the given number, and those are not delivered again meanwhile', async () => {
    const topic = await newTopic();
    const subscription = await newSubscription(topic);
    await api.publish(topic, ...['a', 'b', 'c'].map((text) => ({ data: base64(text) })));
    const first = await eventually(() => api.pull(subscription, 2));
    const second = await next(subscription);
    expect([...first, ...second].map(textOf).sort()).toEqual(['a', 'b', 'c']);
    expect(await api.pull(subscription)).toEqual([]);
    const none = await api.call('POST', `${api.subscriptionName(subscription)}:pull`, { maxMessages: 0 });
    expectError(none, 400, 'INVALID_ARGUMENT');
  });

  test('acknowledged messages never return; the others do when their deadline has passed', async () => {
    const topic = await newTopic();
    const subscription = await newSubscription(topic);
    await api.publish(topic, { data: base64('done') }, { data: base64('dropped') });
    const received = await next(subscription);
    await api.acknowledge(subscription, ...received.filter((one) => textOf(one) === 'done'));
    await api.setDeadline(subscription, 1, ...received.filter((one) => textOf(one) === 'dropped'));
    expect(await api.pull(subscription)).toEqual([]);
    const again = await next(subscription);
    expect(again.map(textOf)).toEqual(['dropped']);
    await api.acknowledge(subscription, ...again);
    await delay(1_500);
    expect(await api.pull(subscription)).toEqual([]);
  });

  test('a deadline that is extended holds', async () => {
    const topic = await newTopic();
    const subscription = await newSubscription(topic);
    await api.publish(topic, { data: base64('x') });
    const received = await next(subscription);
    await api.setDeadline(subscription, 1, ...received);
    await api.setDeadline(subscription, 60, ...received);
    await delay(2_000);
    expect(await api.pull(subscription)).toEqual([]);
  });

  test('a deadline of 0 s returns a message at once', async () => {
    const topic = await newTopic();
    const subscription = await newSubscription(topic);
    const [id] = await api.publish(topic, { data: base64('x') });
    await api.setDeadline(subscription, 0, ...(await next(subscription)));
    const [again] = await next(subscription);
    expect(again?.message.messageId).toBe(id);
  });

  test('unknown ack ids, those of another subscription, and an empty list are refused', async () => {
    const topic = await newTopic();
    const mine = api.subscriptionName(await newSubscription(topic));
    const other = await newSubscription(topic);
    await api.publish(topic, { data: base64('x') });
    const [received] = await next(other);
    for (const ackIds of [['nonsense'], [received!.ackId], []]) {
      expectError(await api.call('POST', `${mine}:acknowledge`, { ackIds }), 400, 'INVALID_ARGUMENT');
    }
  });

  test('a request beyond the limits is refused as a whole', async () => {
    const topic = await newTopic();
    const subscription = await newSubscription(topic);
    const data = base64('x');
    const many = Array.from({ length: 1_001 }, () => ({ data }));
    expectError(await publishAnswer(topic, { messages: many }), 400, 'INVALID_ARGUMENT');
    expectError(await publishAnswer(topic, { messages: [] }), 400, 'INVALID_ARGUMENT');
    expectError(await publishAnswer(topic, { messages: [{ data }, {}] }), 400, 'INVALID_ARGUMENT');
    expect(await api.pull(subscription)).toEqual([]);
    expect(await api.publish(topic, ...many.slice(1))).toHaveLength(1_000);
  });

  test('attributes have limits', async () => {
    const topic = await newTopic();
    const hundred = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key-${index}`, 'v']));
    await api.publish(topic, { attributes: hundred });
    await api.publish(topic, { attributes: { ['é'.repeat(128)]: 'v'.repeat(1_024) } });
    const over: Record<string, string>[] = [
      { ...hundred, 'key-100': 'v' },
      { ['k'.repeat(257)]: 'v' },
      { ['é'.repeat(129)]: 'v' },
      { key: 'v'.repeat(1_025) },
      { 'goog-key': 'v' },
      { '': 'v' },
    ];
    for (const attributes of over) {
      expectError(await publishAnswer(topic, { messages: [{ attributes }] }), 400, 'INVALID_ARGUMENT');
    }
  });

  test('requests that are not JSON, or have the wrong shape, are refused', async () => {
    const topic = await newTopic();
    const bodies = [
      '{"messages":',
      'nonsense',
      '[]',
      '{"messages":[{"data":"%%%"}]}',
      '{"messages":[{"data":"YQ=="}],"nonsense":1}',
      '{"messages":[{"data":{"a":1}}]}',
      '{"messages":"YQ=="}',
    ];
    for (const body of bodies) {
      const answer = await publishAnswer(topic, body);
      expect({ body, status: answer.status }).toEqual({ body, status: 400 });
      expectError(answer, 400, 'INVALID_ARGUMENT');
    }
    expectError(await publishAnswer(fresh('topic'), { messages: [{ data: 'YQ==' }] }), 404, 'NOT_FOUND');
  });

  test('a message of 10 MB arrives whole', async () => {
    const topic = await newTopic();
    const name = await newSubscription(topic);
    const data = Buffer.alloc(10_000_000, 'frame ').toString('base64');
    await api.publish(topic, { data });
    const [received] = await next(name);
    expect(received!.message.data === data).toBe(true);
  });

  test('our publisher and subscriber', async () => {
    const options = { project: backend().project, apiEndpoint: backend().url };
    const publisher = createPublisher(options);
    const subscriber = createSubscriber(options);
    const topic = await newTopic();
    const name = await newSubscription(topic);
    const ids = await publisher.publish(
      topic,
      Array.from({ length: 2_500 }, (_, index) => ({
        data: `message ${index}`,
        attributes: { index: String(index) },
      })),
    );
    expect(new Set(ids).size).toBe(2_500);
    const received = new Map<string, string>();
    while (received.size < 2_500) {
      const batch = await eventually(() => subscriber.pull(name, 1_000));
      for (const { messageId, data } of batch) received.set(messageId, data.toString());
      await subscriber.acknowledge(
        name,
        batch.map(({ ackId }) => ackId),
      );
    }
    expect(ids.map((id) => received.get(id))).toEqual(ids.map((_, index) => `message ${index}`));
    expect(await subscriber.pull(name, 10)).toEqual([]);
    publisher.close();
    subscriber.close();
  });

  test('our publisher names the missing topic and who is at fault', async () => {
    const publisher = createPublisher({ project: backend().project, apiEndpoint: backend().url });
    const missing = fresh('topic');
    await expect(publisher.publish(missing, [{ data: 'x' }])).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining(missing),
    });
    await expect(publisher.publish(await newTopic(), [{ data: '' }])).rejects.toMatchObject({
      code: 'invalid-event',
    });
    publisher.close();
  });
}

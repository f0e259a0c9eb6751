import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { base64, eventually, textOf } from '../helpers/pubsub.ts';
import type { Scenarios } from './pubsub.ts';

/** Pushes, dead letters, ordering keys, filters and seeks. */
export function deliveryScenarios({
  api,
  backend,
  endpoint,
  expectError,
  fresh,
  newSubscription,
  newTopic,
  next,
  test,
}: Scenarios): void {
  test('a push carries the wrapped message, with both spellings of id and time', async () => {
    const { url, pushes } = await endpoint();
    const topic = await newTopic();
    const name = await newSubscription(topic, { pushConfig: { pushEndpoint: `${url}/hook?token=1` } });
    const [id] = await api.publish(topic, { data: base64('hello'), attributes: { a: 'b' } });
    const [pushed] = await eventually(() => pushes);
    expect(pushed!.path).toBe('/hook?token=1');
    expect(pushed!.headers['content-type']).toMatch(/^application\/json/);
    expect(pushed!.body.subscription).toBe(api.subscriptionName(name));
    expect(pushed!.body.message).toMatchObject({
      data: base64('hello'),
      attributes: { a: 'b' },
      messageId: id,
      message_id: id,
    });
    const { publishTime, publish_time } = pushed!.body.message;
    expect(publish_time).toBe(publishTime);
    expect(Date.now() - Date.parse(String(publishTime))).toBeLessThan(60_000);
  });

  test('a push that is answered with 2xx is not sent again; any other is', async () => {
    const statuses = [500, 404, 302, 201];
    const { url, pushes } = await endpoint((_, index) => statuses[index] ?? 200);
    const topic = await newTopic();
    await newSubscription(topic, {
      pushConfig: { pushEndpoint: url },
      retryPolicy: { minimumBackoff: '0.1s', maximumBackoff: '0.2s' },
    });
    await api.publish(topic, { data: base64('x') });
    await eventually(() => pushes.length === statuses.length);
    await delay(1_500);
    expect(pushes).toHaveLength(statuses.length);
  });

  test('a subscription changes from pull to push and back', async () => {
    const { url, pushes } = await endpoint();
    const topic = await newTopic();
    const name = await newSubscription(topic);
    const modify = (pushConfig: unknown): Promise<unknown> =>
      api.ok('POST', `${api.subscriptionName(name)}:modifyPushConfig`, { pushConfig });
    await api.publish(topic, { data: base64('waiting') });
    await modify({ pushEndpoint: url });
    await eventually(() => pushes);
    await modify({});
    await api.publish(topic, { data: base64('pulled') });
    expect((await next(name)).map(textOf)).toEqual(['pulled']);
    expect(pushes).toHaveLength(1);
  });

  test('a message that an endpoint holds when it is detached goes to the next one', async () => {
    const { url, pushes } = await endpoint(() => 'hang');
    const second = await endpoint();
    const topic = await newTopic();
    const name = await newSubscription(topic, { pushConfig: { pushEndpoint: url }, ackDeadlineSeconds: 10 });
    await api.publish(topic, { data: base64('held') });
    await eventually(() => pushes);
    const modify = (pushConfig: unknown): Promise<unknown> =>
      api.ok('POST', `${api.subscriptionName(name)}:modifyPushConfig`, { pushConfig });
    await modify({});
    await modify({ pushEndpoint: second.url });
    await eventually(() => second.pushes, 60_000);
  });

  test('a given-up message is published to the dead-letter topic with its origin', async () => {
    const topic = await newTopic();
    const deadLetterTopic = await newTopic();
    const dead = await newSubscription(deadLetterTopic);
    const name = await newSubscription(topic, {
      retryPolicy: { minimumBackoff: '0s', maximumBackoff: '0s' },
      deadLetterPolicy: { deadLetterTopic: api.topicName(deadLetterTopic), maxDeliveryAttempts: 5 },
    });
    const [id] = await api.publish(topic, { data: base64('poison'), attributes: { a: 'b' } });
    const attempts: number[] = [];
    let published = '';
    while (attempts.length < 5) {
      const [received] = await next(name);
      published = received!.message.publishTime;
      attempts.push(received!.deliveryAttempt ?? 0);
      await api.setDeadline(name, 0, received!);
    }
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    const [letter] = await eventually(async () => {
      expect(await api.pull(name)).toEqual([]);
      return api.pull(dead);
    }, 60_000);
    expect(letter!.message.messageId).not.toBe(id);
    expect(letter!.message.data).toBe(base64('poison'));
    expect(letter!.message.attributes).toEqual({
      a: 'b',
      CloudPubSubDeadLetterSourceDeliveryCount: '5',
      CloudPubSubDeadLetterSourceSubscription: name,
      CloudPubSubDeadLetterSourceSubscriptionProject: backend().project,
      CloudPubSubDeadLetterSourceTopicPublishTime: published,
    });
  });

  test('a push that fails every attempt becomes a dead letter', async () => {
    const { url, pushes } = await endpoint(() => 500);
    const topic = await newTopic();
    const deadLetterTopic = await newTopic();
    const dead = await newSubscription(deadLetterTopic);
    await newSubscription(topic, {
      pushConfig: { pushEndpoint: url },
      retryPolicy: { minimumBackoff: '0.1s', maximumBackoff: '0.1s' },
      deadLetterPolicy: { deadLetterTopic: api.topicName(deadLetterTopic), maxDeliveryAttempts: 5 },
    });
    await api.publish(topic, { data: base64('poison') });
    const [letter] = await eventually(() => api.pull(dead), 60_000);
    expect(letter!.message.attributes).toMatchObject({ CloudPubSubDeadLetterSourceDeliveryCount: '5' });
    expect(pushes).toHaveLength(5);
  });

  test('a push carries the attempt if there is a dead-letter policy', async () => {
    const { url, pushes } = await endpoint((_, index) => (index === 0 ? 500 : 200));
    const topic = await newTopic();
    const deadLetterTopic = api.topicName(await newTopic());
    await newSubscription(topic, {
      pushConfig: { pushEndpoint: url },
      retryPolicy: { minimumBackoff: '0.1s', maximumBackoff: '0.1s' },
      deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 5 },
    });
    await api.publish(topic, { data: base64('x') });
    await eventually(() => pushes.length === 2);
    expect(pushes.map(({ body }) => body.deliveryAttempt)).toEqual([1, 2]);
  });

  test('messages of one key arrive in order, and a nacked one holds up the later ones', async () => {
    const topic = await newTopic();
    const name = await newSubscription(topic, {
      enableMessageOrdering: true,
      retryPolicy: { minimumBackoff: '0s', maximumBackoff: '0s' },
    });
    for (const text of ['1', '2', '3']) await api.publish(topic, { data: base64(text), orderingKey: 'key' });
    const [first, ...more] = await next(name);
    expect([textOf(first!), first!.message.orderingKey]).toEqual(['1', 'key']);
    // a backend may deliver the whole run at once: nacked from the first on, it starts again there
    await api.setDeadline(name, 0, first!, ...more);
    const order: string[] = [];
    while (order.length < 3) {
      for (const received of await next(name)) {
        order.push(textOf(received));
        await api.acknowledge(name, received);
      }
    }
    expect(order).toEqual(['1', '2', '3']);
  });

  test('a filter drops messages that it does not match', async () => {
    const topic = await newTopic();
    const filter = 'attributes.type = "video.framed" AND NOT hasPrefix(attributes.source, "test/")';
    const name = await newSubscription(topic, { filter });
    expect(await api.ok('GET', api.subscriptionName(name))).toMatchObject({ filter });
    await api.publish(
      topic,
      { data: base64('other type'), attributes: { type: 'video.rejected' } },
      { data: base64('a test'), attributes: { type: 'video.framed', source: 'test/1' } },
      { data: base64('right'), attributes: { type: 'video.framed', source: 'raw' } },
    );
    expect((await next(name)).map(textOf)).toEqual(['right']);
  });

  test('an invalid filter is refused', async () => {
    const body = { topic: api.topicName(await newTopic()), filter: 'attributes.type' };
    expectError(await api.call('PUT', api.subscriptionName(fresh('sub')), body), 400, 'INVALID_ARGUMENT');
  });

  test('a seek to a time redelivers what was acknowledged since; a seek to now empties the backlog', async () => {
    const topic = await newTopic();
    const name = await newSubscription(topic, { retainAckedMessages: true });
    const seek = (time: number): Promise<unknown> =>
      api.ok('POST', `${api.subscriptionName(name)}:seek`, { time: new Date(time).toISOString() });
    const start = Date.now() - 1_000;
    await api.publish(topic, { data: base64('x') });
    await api.acknowledge(name, ...(await next(name)));
    await seek(start);
    expect((await next(name)).map(textOf)).toEqual(['x']);
    await seek(Date.now() + 1_000);
    expect(await api.pull(name)).toEqual([]);
  });
}

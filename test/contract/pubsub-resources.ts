import { expect } from 'vitest';
import { type ApiAnswer, base64, textOf } from '../helpers/pubsub.ts';
import type { Scenarios } from './pubsub.ts';

/** Topics and subscriptions as resources: created, read, changed, listed, refused. */
export function resourceScenarios({
  api,
  backend,
  expectError,
  fresh,
  newSubscription,
  newTopic,
  next,
  test,
}: Scenarios): void {
  test('a topic exists once created, and not before it or after its deletion', async () => {
    const topic = fresh('topic');
    const path = api.topicName(topic);
    expectError(await api.call('GET', path), 404, 'NOT_FOUND');
    expect(await api.ok('PUT', path, { labels: { team: 'video' } })).toMatchObject({ name: path });
    expect(await api.ok('GET', path)).toMatchObject({ name: path, labels: { team: 'video' } });
    expectError(await api.call('PUT', path, {}), 409, 'ALREADY_EXISTS');
    const listed = (await api.ok('GET', `projects/${backend().project}/topics`))['topics'] as {
      name: string;
    }[];
    expect(listed.map(({ name }) => name)).toContain(path);
    await api.ok('DELETE', path);
    expectError(await api.call('GET', path), 404, 'NOT_FOUND');
    expectError(await api.call('DELETE', path), 404, 'NOT_FOUND');
  });

  test('names begin with a letter, have three characters or more, and are not Google’s', async () => {
    for (const name of ['1abc', 'ab', 'goog-topic', 'a b', `a${'b'.repeat(255)}`, 'caf%C3%A9s']) {
      expectError(
        await api.call('PUT', `projects/${backend().project}/topics/${name}`, {}),
        400,
        'INVALID_ARGUMENT',
      );
    }
  });

  test('a subscription has the service’s defaults, and is listed with its topic', async () => {
    const topic = await newTopic();
    const name = await newSubscription(topic);
    const path = api.subscriptionName(name);
    expect(await api.ok('GET', path)).toMatchObject({
      name: path,
      topic: api.topicName(topic),
      ackDeadlineSeconds: 10,
      messageRetentionDuration: '604800s',
      pushConfig: {},
    });
    expect(await api.ok('GET', `${api.topicName(topic)}/subscriptions`)).toEqual({ subscriptions: [path] });
    await api.ok('DELETE', path);
    expectError(await api.call('GET', path), 404, 'NOT_FOUND');
    expectError(await api.call('POST', `${path}:pull`, { maxMessages: 1 }), 404, 'NOT_FOUND');
  });

  test('a subscription needs an existing topic and a free name', async () => {
    const topic = await newTopic();
    const name = await newSubscription(topic);
    const again = await api.call('PUT', api.subscriptionName(name), { topic: api.topicName(topic) });
    expectError(again, 409, 'ALREADY_EXISTS');
    const orphan = { topic: api.topicName(fresh('topic')) };
    expectError(await api.call('PUT', api.subscriptionName(fresh('sub')), orphan), 404, 'NOT_FOUND');
    expectError(await api.call('PUT', api.subscriptionName(fresh('sub')), {}), 400, 'INVALID_ARGUMENT');
  });

  test('settings out of bounds are refused', async () => {
    const topic = await newTopic();
    const deadLetterTopic = api.topicName(topic);
    const settings: Record<string, unknown>[] = [
      { ackDeadlineSeconds: 601 },
      { messageRetentionDuration: '60s' },
      { retryPolicy: { minimumBackoff: '601s' } },
      { deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 4 } },
      { deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 101 } },
      { pushConfig: { pushEndpoint: 'no address' } },
      { ackDeadlineSeconds: 'soon' },
      { nonsense: 1 },
    ];
    for (const one of settings) {
      const body = { topic: api.topicName(topic), ...one };
      const answer = await api.call('PUT', api.subscriptionName(fresh('sub')), body);
      expect({ ...one, status: answer.status }).toEqual({ ...one, status: 400 });
    }
  });

  test('an ack deadline below 10 s is refused', async () => {
    const body = { topic: api.topicName(await newTopic()), ackDeadlineSeconds: 9 };
    expectError(await api.call('PUT', api.subscriptionName(fresh('sub')), body), 400, 'INVALID_ARGUMENT');
  });

  test('only fields in the mask are changed', async () => {
    const path = api.subscriptionName(await newSubscription(await newTopic(), { labels: { a: 'b' } }));
    const patch = (body: unknown): Promise<ApiAnswer> => api.call('PATCH', path, body);
    const subscription = { name: path, ackDeadlineSeconds: 30, labels: { c: 'd' } };
    expect((await patch({ subscription, updateMask: 'ackDeadlineSeconds' })).body).toMatchObject({
      ackDeadlineSeconds: 30,
      labels: { a: 'b' },
    });
    expect(await api.ok('GET', path)).toMatchObject({ ackDeadlineSeconds: 30, labels: { a: 'b' } });
    expectError(await patch({ subscription }), 400, 'INVALID_ARGUMENT');
    expectError(await patch({ subscription, updateMask: 'nonsense' }), 400, 'INVALID_ARGUMENT');
    expectError(await patch({ subscription, updateMask: 'filter' }), 400, 'INVALID_ARGUMENT');
  });

  test('a subscription outlives its topic and keeps its messages', async () => {
    const topic = await newTopic();
    const name = await newSubscription(topic);
    await api.publish(topic, { data: base64('last') });
    await api.ok('DELETE', api.topicName(topic));
    expect(await api.ok('GET', api.subscriptionName(name))).toMatchObject({ topic: '_deleted-topic_' });
    expect((await next(name)).map(textOf)).toEqual(['last']);
  });

  test('lists come in pages', async () => {
    const topic = await newTopic();
    const names = [await newSubscription(topic), await newSubscription(topic), await newSubscription(topic)];
    const wanted = names.map(api.subscriptionName).sort();
    const path = `${api.topicName(topic)}/subscriptions?pageSize=2`;
    const first = await api.ok('GET', path);
    expect(first['subscriptions']).toEqual(wanted.slice(0, 2));
    const token = encodeURIComponent(String(first['nextPageToken']));
    expect(await api.ok('GET', `${path}&pageToken=${token}`)).toEqual({ subscriptions: wanted.slice(2) });
  });
}

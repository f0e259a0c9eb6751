import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { core } from '../../functions/app.ts';
import { type App, defineApp } from '../../shared/app/define-app.ts';
import { CORE_DIR } from '../../shared/app/load-app.ts';
import { messagePublished } from '../../shared/app/trigger.ts';
import { collectRows, DeltaTable, type ScannedRow } from '../../shared/delta/index.ts';
import { binary, cloudEvent, structured } from '../helpers/messages.ts';
import { type Pipeline, startPipeline } from '../helpers/pipeline.ts';
import { type Endpoint, eventually, plainPubsub, startEndpoint } from '../helpers/pubsub.ts';

const TYPES = ['order.created', 'order.paid'];
let pipeline: Pipeline;
/** Lines that are no entries of ours. */
const stray: string[] = [];
let relay: Endpoint;

/** The core app, with an ingestEvent that takes two types, ordered by key. */
function ordered(): App {
  const trigger = messagePublished({ topic: 'events', types: TYPES, ordering: true });
  const functions = core.functions.map((one) => (one.name === 'ingestEvent' ? { ...one, trigger } : one));
  return defineApp({ ...core, functions });
}

/** Delivers a push as an earlier version's Eventarc subscription does. */
async function asEventarc({ text, body }: Endpoint['pushes'][0]): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': body.message.messageId,
    'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished',
    'ce-source': '//pubsub.googleapis.com/projects/local/topics/events',
  };
  const url = pipeline.cloud.endpoints.functions['ingestEvent']!;
  return (await fetch(url, { method: 'POST', headers, body: text })).status;
}

const api = plainPubsub(() => pipeline.cloud.endpoints.pubsub);

beforeAll(async () => {
  pipeline = await startPipeline({
    only: ['ingestEvent'],
    maxDeliveryAttempts: 3,
    onStrayLine: (line) => stray.push(line),
    app: { app: ordered(), dir: CORE_DIR },
  });
  relay = await startEndpoint(asEventarc);
}, 60_000);
afterAll(async () => {
  await pipeline?.close();
  await relay?.close();
});

async function rows(prefix: string): Promise<ScannedRow[]> {
  const table = await DeltaTable.open(pipeline.cloud.storage.bucket('lake'), 'events').catch(() => undefined);
  const all = table ? await collectRows(table.scan()) : [];
  return all.filter((row) => String(row['ce_id']).startsWith(prefix));
}

const backlog = (name: string): number =>
  pipeline.cloud.pubsub!.stats().subscriptions[`projects/local/subscriptions/${name}`]?.backlog ?? -1;

/** The message as the publish API takes it, without what the service adds. */
function toPublish({ data, attributes, orderingKey }: Record<string, unknown>): Record<string, unknown> {
  return { data, attributes, ...(orderingKey !== undefined && { orderingKey }) };
}

const typed = (id: string, type = 'order.created', orderingKey?: string) =>
  toPublish(
    structured({ id, type }, { attributes: { 'ce-type': type }, ...(orderingKey && { orderingKey }) }),
  );

test('both subscriptions of an upgrade deliver the same events: each is one row', async () => {
  await api.createSubscription('eventarc-old', 'events', {
    pushConfig: { pushEndpoint: relay.url },
    ackDeadlineSeconds: 60,
  });
  const ids = Array.from({ length: 30 }, (_, index) => `both-${index}`);
  await api.publish('events', ...ids.map((id) => typed(id)));
  await eventually(() => backlog('push-ingestevent') === 0 && backlog('eventarc-old') === 0);
  expect(relay.pushes.length).toBeGreaterThanOrEqual(ids.length);
  expect((await rows('both-')).map((row) => row['ce_id']).sort()).toEqual(ids.sort());
  expect(pipeline.deadLetters()).toBe(0);
  await api.ok('DELETE', 'projects/local/subscriptions/eventarc-old');
});

test('messages of other types never reach the function', async () => {
  await api.publish('events', typed('other-1', 'order.lost'), toPublish(structured({ id: 'other-2' })));
  await api.publish('events', typed('other-3', 'order.paid'));
  await eventually(async () => (await rows('other-')).length > 0);
  await delay(200);
  expect((await rows('other-')).map((row) => row['ce_id'])).toEqual(['other-3']);
});

test('a pushed message keeps its id, key and topic, and one without data is an event, too', async () => {
  const event = cloudEvent({ id: 'bare-1', type: 'order.created', data: undefined });
  const { attributes } = binary(event) as { attributes: Record<string, string> };
  const ids = [
    ...(await api.publish('events', { attributes, orderingKey: 'A' })),
    ...(await api.publish('events', typed('bare-2', 'order.created', 'A'))),
  ];
  await eventually(async () => (await rows('bare-')).length === 2);
  for (const row of await rows('bare-')) {
    expect(ids).toContain(row['message_id']);
    expect(row).toMatchObject({ ordering_key: 'A' });
  }
});

test('storage fails: redelivered in the order of the key, and later messages of the key wait', async () => {
  pipeline.cloud.gcs.faults.add({
    action: { kind: 'status', status: 403 },
    bucket: 'lake',
    operations: ['upload'],
    times: 1,
  });
  for (const id of ['in-1', 'in-2', 'in-3']) await api.publish('events', typed(id, 'order.paid', 'B'));
  await eventually(async () => (await rows('in-')).length === 3);
  expect(pipeline.logs.filter(({ message }) => message === 'attempt failed')).toHaveLength(1);
  // the framework would print the error again, as lines without a severity
  expect(stray.filter((line) => /error|^\s+at /i.test(line))).toEqual([]);
  const found = await rows('in-');
  const by = (name: string) => found.find((row) => row['ce_id'] === name)!['ingest_time'] as bigint;
  expect(by('in-1')).toBeLessThanOrEqual(by('in-2'));
  expect(by('in-2')).toBeLessThanOrEqual(by('in-3'));
});

test('an event that fails each time becomes a dead letter that names the subscription, and later ones continue', async () => {
  // fails every write until the first event has used up its attempts
  pipeline.cloud.gcs.faults.add({
    action: { kind: 'status', status: 403 },
    bucket: 'lake',
    operations: ['upload'],
    times: null,
  });
  await api.publish('events', typed('dead-1', 'order.paid', 'C'));
  const [letter] = await eventually(() => api.pull('dead-letters-kept'));
  pipeline.cloud.gcs.faults.clear();
  expect(letter!.message.attributes).toMatchObject({
    CloudPubSubDeadLetterSourceSubscription: 'push-ingestevent',
    CloudPubSubDeadLetterSourceDeliveryCount: '3',
    'ce-type': 'order.paid',
  });
  await api.publish('events', typed('dead-2', 'order.paid', 'C'));
  await eventually(async () => (await rows('dead-')).some((row) => row['ce_id'] === 'dead-2'));
});

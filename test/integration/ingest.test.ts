import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../shared/core/sha256.ts';
import { DeltaTable } from '../../shared/delta/index.ts';
import { type IngestScene, post, startIngest } from '../helpers/ingest.ts';
import {
  batch,
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  pushBody,
  structured,
} from '../helpers/messages.ts';

let scene: IngestScene;

beforeAll(async () => {
  scene = await startIngest({ instances: 2 });
});
afterAll(() => scene.close());

const named = async (prefix: string) =>
  (await scene.rows()).filter((row) => String(row['ce_id']).startsWith(prefix));

test('two instances get their first events at the same time: one table, each event once', async () => {
  const messages = Array.from({ length: 20 }, (_, index) => structured({ id: `race-${index}` }));
  const deliveries = messages.flatMap((message) => [scene.deliver(message, 0), scene.deliver(message, 1)]);
  expect(new Set(await Promise.all(deliveries))).toEqual(new Set([204]));
  expect(await named('race-')).toHaveLength(20);
});

test('a structured event becomes a row; its second delivery adds none', async () => {
  const message = structured(
    {
      id: 'first',
      subject: 'A-17',
      correlationid: 'corr',
      causationid: 'cause',
      dataschema: 'order.created/1',
    },
    { orderingKey: 'A', publishTime: '2026-11-21T10:00:01.123456789Z' },
  );
  const before = Date.now();
  expect(await scene.deliver(message)).toBe(204);
  expect(await scene.deliver(message, 1)).toBe(204);
  const [row, ...more] = await named('first');
  expect(more).toEqual([]);
  expect(row).toEqual({
    event_id: sha256('{"id":"first","source":"//shop/orders"}'),
    ce_id: 'first',
    type: 'order.created',
    source: '//shop/orders',
    subject: 'A-17',
    time: BigInt(Date.parse('2026-11-21T10:00:00Z')) * 1_000n,
    dataschema: 'order.created/1',
    correlation_id: 'corr',
    causation_id: 'cause',
    ordering_key: 'A',
    message_id: message['messageId'],
    publish_time: BigInt(Date.parse('2026-11-21T10:00:01Z')) * 1_000n + 123_456n,
    ingest_time: expect.any(BigInt),
    data: '{"order":"A-17","total":19.99}',
    trace_id: null,
  });
  expect(Number(row?.['ingest_time']) / 1_000).toBeGreaterThanOrEqual(before);
});

test("the event's trace is in its row, wherever its producer wrote it; the delivery's is not", async () => {
  const trace = (digit: number): string => String(digit).repeat(32);
  const header = (digit: number): string => `00-${trace(digit)}-${'b'.repeat(16)}-01`;
  const attributes = { 'content-type': 'application/json', googclient_traceparent: header(4) };
  const messages = [
    structured({ id: 'trace-1', traceparent: header(1) }),
    binary({ id: 'trace-2', traceparent: header(2) }),
    structured({ id: 'trace-3', metadata: { traceId: trace(3) } }),
    binary(
      { id: 'trace-4' },
      { attributes: { ...Object(binary({ id: 'trace-4' })['attributes']), ...attributes } },
    ),
    structured({ id: 'trace-5', traceparent: 'nonsense' }),
  ];
  for (const message of messages) {
    const event = messageEvent(message, { traceparent: header(9) });
    expect(await post(scene.processes[0]!.url, event)).toBe(204);
  }
  const rows = await named('trace-');
  expect(Object.fromEntries(rows.map((row) => [row['ce_id'], row['trace_id']]))).toEqual({
    'trace-1': trace(1),
    'trace-2': trace(2),
    'trace-3': trace(3),
    'trace-4': trace(4),
    'trace-5': null,
  });
});

test('one event in four modes and two envelopes is one row', async () => {
  const event = cloudEvent({ id: 'modes' });
  const forms = [
    structured({ id: 'modes' }),
    binary({ id: 'modes' }),
    batch([event]),
    pubsubMessage({ data: event }),
  ];
  for (const form of forms) expect(await scene.deliver(form)).toBe(204);
  expect(await post(scene.processes[0]!.url, messageEvent(forms[0]))).toBe(204);
  const push = await fetch(scene.processes[0]!.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(pushBody(forms[0])),
  });
  expect(push.status).toBe(204);
  expect(await named('modes')).toHaveLength(1);
});

test('plain JSON is recognized by its content, and stored as first written', async () => {
  const attributes = { type: 'reading', source: '//sensors/7' };
  const first = '{ "n": 9007199254740993, "t": 1.0 }';
  for (const data of [first, '{"t":1,"n":9007199254740993}', '{"t":1,"n":9007199254740992}']) {
    expect(await scene.deliver(pubsubMessage({ data, attributes }))).toBe(204);
  }
  const rows = (await scene.rows()).filter((row) => row['type'] === 'reading');
  expect(rows.map((row) => row['data']).sort()).toEqual([first, '{"t":1,"n":9007199254740992}']);
  expect(rows.map((row) => [row['ce_id'], row['source']])).toEqual([
    [null, '//sensors/7'],
    [null, '//sensors/7'],
  ]);
});

test('concurrent events share commits, and each commit is one log line', async () => {
  const before = scene.logs.length;
  const messages = Array.from({ length: 200 }, (_, index) => binary({ id: `many-${index}` }));
  const answers = await Promise.all(messages.map((message) => scene.deliver(message)));
  expect(new Set(answers)).toEqual(new Set([204]));
  expect(await named('many-')).toHaveLength(200);
  const lines = scene.logs.slice(before);
  expect(lines.length).toBeLessThan(100);
  expect(lines.reduce((sum, line) => sum + Number(line['count']), 0)).toBe(200);
  expect(lines[0]).toMatchObject({
    severity: 'INFO',
    message: 'events ingested',
    function: 'ingestEvent',
    outcome: 'ingested',
    eventType: 'other',
    version: expect.any(Number),
    types: { 'order.created': expect.any(Number) },
    durationMs: { p50: expect.any(Number), max: expect.any(Number) },
    lagMs: { p95: expect.any(Number) },
  });
});

test('a refused message is a dead letter with its bytes, its attributes and the reason', async () => {
  const message = structured(
    { type: 'video.rejected', data: { attempts: 'one' } },
    { attributes: { 'content-type': 'application/cloudevents+json', tenant: 'a' }, orderingKey: 'k' },
  );
  expect(await scene.deliver(message)).toBe(204);
  const [letter] = (await scene.deadLetters()).filter(({ attributes }) => attributes['tenant'] === 'a');
  expect(letter?.data).toBe(Buffer.from(String(message['data']), 'base64').toString());
  expect(letter?.attributes).toEqual({
    'content-type': 'application/cloudevents+json',
    tenant: 'a',
    deadLetterCode: 'schema-violation',
    deadLetterReason: "data must have required property 'manifest', got an object (schema video.rejected/1)",
    deadLetterFunction: 'ingestEvent',
    deadLetterEventId: sha256('{"id":"e-1","source":"//shop/orders"}'),
    deadLetterTime: expect.stringMatching(/Z$/),
    deadLetterMessageId: message['messageId'],
    deadLetterPublishTime: message['publishTime'],
    deadLetterOrderingKey: 'k',
    deadLetterForm: 'original',
  });
  expect(scene.logs.at(-1)).toMatchObject({
    severity: 'WARNING',
    message: 'event refused',
    code: 'schema-violation',
    outcome: 'refused',
  });
});

test('in a batch, good events become rows and each bad one its own dead letter', async () => {
  const bad = cloudEvent({ id: 'batch-bad', time: 'never' });
  const large = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, 'x'.repeat(1_000)]));
  const attributes = { 'content-type': 'application/cloudevents-batch+json', ...large };
  const events = [cloudEvent({ id: 'batch-1' }), bad, cloudEvent({ id: 'batch-2' })];
  expect(await scene.deliver(batch(events, { attributes }))).toBe(204);
  expect((await named('batch-')).map((row) => row['ce_id']).sort()).toEqual(['batch-1', 'batch-2']);
  const letters = (await scene.deadLetters()).filter(({ data }) => data.includes('batch-bad'));
  expect(letters).toHaveLength(1);
  expect(letters[0]?.data).toBe(JSON.stringify(bad));
  expect(letters[0]?.attributes).toMatchObject({
    'content-type': 'application/cloudevents+json',
    deadLetterCode: 'invalid-event',
    deadLetterReason: 'time must be an RFC 3339 timestamp, got a string of 5 characters',
    d: large['d'],
  });
  // each bad event of a batch would copy all attributes
  expect(letters[0]?.attributes).not.toHaveProperty('e');
});

test('a refused message that cannot be published is not acknowledged, and is published at its redelivery', async () => {
  scene.pubsub.server.faults.add({ action: { kind: 'status', status: 403 }, times: -1 });
  const message = pubsubMessage({ data: 'not json, and not to be lost' });
  try {
    expect(await scene.deliver(message)).toBe(500);
  } finally {
    scene.pubsub.server.faults.clear();
  }
  expect(await scene.deliver(message)).toBe(204);
  const letters = (await scene.deadLetters()).filter(({ data }) => data.includes('not to be lost'));
  expect(letters).toHaveLength(1);
});

test('a storage failure is not acknowledged and leaves a record of the attempt; the redelivery succeeds', async () => {
  const { faults } = scene.gcs.server;
  faults.add({
    action: { kind: 'status', status: 403 },
    operations: ['upload'],
    bucket: 'lake',
    times: null,
  });
  const message = structured({ id: 'denied' });
  try {
    expect(await scene.deliver(message)).toBe(500);
  } finally {
    faults.clear();
  }
  expect(await named('denied')).toEqual([]);
  const eventId = sha256('{"id":"denied","source":"//shop/orders"}');
  const kept = await scene.state.get(`failures/ingestEvent/${eventId}/0001.json`);
  expect(JSON.parse(Buffer.from(kept!.body).toString())).toMatchObject({
    eventId,
    attempt: 1,
    code: 'denied',
  });
  expect(await scene.deliver(message)).toBe(204);
  expect(await named('denied')).toHaveLength(1);
});

test('events without a confirmed commit at SIGTERM are not acknowledged', async () => {
  const messages = Array.from({ length: 40 }, (_, index) => structured({ id: `term-${index}` }));
  scene.gcs.server.setLatency({ put: 400 });
  const answers = Promise.all(messages.map((message) => scene.deliver(message, 1)));
  await delay(300);
  process.kill(scene.processes[1]!.pid()!, 'SIGTERM');
  const statuses = await answers;
  scene.gcs.server.setLatency({});
  const there = new Set((await named('term-')).map((row) => row['ce_id']));
  const wrong = statuses.filter((status, index) => status < 300 && status > 0 && !there.has(`term-${index}`));
  expect(wrong).toEqual([]);
  expect(statuses.filter((status) => status === 204)).toEqual([]);
  const again = await Promise.all(messages.map((message) => scene.deliver(message, 0)));
  expect(new Set(again)).toEqual(new Set([204]));
  expect(await named('term-')).toHaveLength(40);
});

test('a column added later is null in earlier rows, and writers continue', async () => {
  const table = await DeltaTable.open(scene.lake, 'events');
  await table.addColumns([{ name: 'tenant', type: 'string' }]);
  expect(await scene.deliver(structured({ id: 'after-column' }))).toBe(204);
  const [row] = await named('after-column');
  expect(row).toMatchObject({ tenant: null, type: 'order.created' });
  expect((await named('first'))[0]).toMatchObject({ tenant: null });
});

test('running requests causes no Node warning', () => {
  expect(scene.stray.filter((line) => /Warning/.test(line))).toEqual([]);
});

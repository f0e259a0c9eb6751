import { expect, test } from 'vitest';
import { uploadIdOf } from '../../../functions/video/records.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { deadLetterMessage } from '../../../shared/dead-letters/dead-letter-message.ts';
import { letterOf } from '../../../shared/dead-letters/letter-id.ts';
import { eventIdOf } from '../../../shared/events/cloud-event.ts';
import { recordFailure } from '../../../shared/records/failures.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { Storage } from '../../../shared/storage/object-store.ts';
import { objectResource } from '../../helpers/events.ts';
import { openEventsTable } from '../../helpers/events-table.ts';
import { startMemoryInspector } from '../../helpers/inspect-memory.ts';
import { givenUp, givenUpMessage } from '../../helpers/letters.ts';
import { batch, cloudEvent, messageEvent, pubsubMessage, structured } from '../../helpers/messages.ts';

const ORDER_ID = eventIdOf({ id: 'e-1', source: '//shop/orders' });

/** A given-up storage event, in the form of Eventarc's transport. */
function deadUpload(generation: string, name = 'clip.mp4') {
  const attributes = {
    'ce-specversion': '1.0',
    'ce-id': '42',
    'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
    'ce-type': 'google.cloud.storage.object.v1.finalized',
  };
  return givenUp({ data: objectResource({ name, generation }), attributes }, 'eventarc-processVideo');
}

async function fail(storage: Storage, name: string, eventId: string, code: 'denied' | 'quota', at: string) {
  const error = new AppError(code, `${code}: gs://lake/x: 403`);
  const trace = 'projects/demo/traces/0af7651916cd43dd8448eb211c80319c';
  await recordFailure(storage.bucket('state'), { function: name, eventId, error, trace, at: new Date(at) });
}

test('given up: the last attempt says why, the history says since when and how often', async () => {
  const inspector = startMemoryInspector();
  await fail(inspector.storage, 'ingestEvent', ORDER_ID, 'quota', '2026-11-21T10:00:00Z');
  await fail(inspector.storage, 'ingestEvent', ORDER_ID, 'denied', '2026-11-21T10:05:00Z');
  await inspector.deliver(givenUpMessage(structured({ correlationid: 'corr-7' })));
  const [death] = await inspector.deaths();
  expect(death).toMatchObject({
    letter: letterOf('ingestEvent', ORDER_ID),
    function: 'ingestEvent',
    way: 'given-up',
    code: 'denied',
    message: 'denied: gs://lake/x: 403',
    pattern: 'denied: <url>: <n>',
    eventId: ORDER_ID,
    correlationId: 'corr-7',
    subscription: 'eventarc-ingestEvent',
    deliveries: 5,
    attemptCount: 2,
    firstFailureAt: '2026-11-21T10:00:00.000Z',
    lastFailureAt: '2026-11-21T10:05:00.000Z',
    concern: { kind: 'event', id: 'e-1', type: 'order.created', source: '//shop/orders' },
    concernState: 'exists',
  });
  expect(death?.attempts.map(({ attempt, code }) => [attempt, code])).toEqual([
    [1, 'quota'],
    [2, 'denied'],
  ]);
  expect(inspector.logs).toEqual([
    expect.objectContaining({
      severity: 'ERROR',
      '@type': 'type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent',
      message: 'dead letter of ingestEvent: denied: denied: gs://lake/x: 403',
      stack_trace: expect.stringContaining('AppError: denied'),
      serviceContext: { service: 'ingestEvent' },
      outcome: 'dead-letter',
      function: 'ingestEvent',
      way: 'given-up',
      code: 'denied',
      group: death?.group,
      letter: death?.letter,
      correlationId: 'corr-7',
      'logging.googleapis.com/trace': 'projects/demo/traces/0af7651916cd43dd8448eb211c80319c',
    }),
  ]);
});

test.each(['ce-correlationid', 'correlationid', 'correlation_id'])(
  'an event that its function could not read has the correlation of its attribute %s',
  async (name) => {
    const inspector = startMemoryInspector();
    await inspector.deliver(
      givenUp({ data: 'no JSON', attributes: { [name]: 'corr-9' } }, 'eventarc-ingestEvent'),
    );
    expect(await inspector.deaths()).toMatchObject([{ correlationId: 'corr-9' }]);
  },
);

test('given up without a record of any attempt, as a killed process leaves none', async () => {
  const inspector = startMemoryInspector();
  await inspector.deliver(givenUpMessage(structured()));
  expect(await inspector.deaths()).toMatchObject([
    { code: 'unknown', message: 'given up after 5 deliveries, none of which left a record', attemptCount: 0 },
  ]);
});

test('given up after a replay without a record: earlier attempts are shown, but not taken for the cause', async () => {
  const inspector = startMemoryInspector();
  await fail(inspector.storage, 'ingestEvent', ORDER_ID, 'denied', '2026-11-21T09:00:00Z');
  await inspector.deliver(givenUpMessage(structured()));
  expect(await inspector.deaths()).toMatchObject([
    {
      code: 'unknown',
      attemptCount: 1,
      firstFailureAt: '2026-11-21T09:00:00.000Z',
      attempts: [{ code: 'denied' }],
    },
  ]);
});

test('the first and the last of very many attempts are kept', async () => {
  const inspector = startMemoryInspector();
  for (let minute = 10; minute < 40; minute++) {
    await fail(inspector.storage, 'ingestEvent', ORDER_ID, 'quota', `2026-11-21T10:${minute}:00Z`);
  }
  await inspector.deliver(givenUpMessage(structured()));
  const [death] = await inspector.deaths();
  expect(death?.attemptCount).toBe(30);
  expect(death?.attempts.map(({ attempt }) => attempt)).toEqual([
    ...Array.from({ length: 10 }, (_, index) => index + 1),
    ...Array.from({ length: 10 }, (_, index) => index + 21),
  ]);
  expect(death?.lastFailureAt).toBe('2026-11-21T10:39:00.000Z');
});

test('refused: the function’s own message, and the id that it set', async () => {
  const inspector = startMemoryInspector();
  const error = new AppError(
    'schema-violation',
    'data/total is "x"; must be number (schema order.created/1)',
  );
  const input = messageEvent(structured());
  const at = new Date('2026-11-21T10:00:00Z');
  const { data, attributes } = deadLetterMessage({
    function: 'ingestEvent',
    eventId: ORDER_ID,
    error,
    input,
    at,
  });
  await inspector.deliver(messageEvent(pubsubMessage({ data, attributes })));
  expect(await inspector.deaths()).toMatchObject([
    {
      way: 'refused',
      code: 'schema-violation',
      message: 'data/total is "x"; must be number (schema order.created/1)',
      pattern: 'data/total is <text>; must be number (schema order.created/<n>)',
      letter: letterOf('ingestEvent', ORDER_ID),
      diedAt: '2026-11-21T10:00:00.000Z',
      lastFailureAt: '2026-11-21T10:00:00.000Z',
      concernState: 'exists',
    },
  ]);
});

test('duplicates at any time are one death, one row and one log entry', async () => {
  const inspector = startMemoryInspector();
  const copies = ['1', '2', '3'].map((messageId) => givenUpMessage({ ...structured(), messageId }));
  await Promise.all(copies.slice(0, 2).map(inspector.deliver));
  await inspector.deliver(copies[2]);
  expect(await inspector.letters()).toMatchObject([{ deaths: 1, status: 'open' }]);
  expect(await inspector.rows()).toHaveLength(1);
  expect(inspector.logs.filter((line) => line['outcome'] === 'dead-letter')).toHaveLength(1);
});

test('published again by its producer and dead again: one letter with two deaths', async () => {
  const inspector = startMemoryInspector();
  const at = 'CloudPubSubDeadLetterSourceTopicPublishTime';
  for (const minute of ['01', '02']) {
    const event = { data: cloudEvent() };
    await inspector.deliver(givenUp(event, 'eventarc-ingestEvent', { [at]: `2026-11-21T10:${minute}:00Z` }));
  }
  expect(await inspector.letters()).toMatchObject([{ deaths: 2 }]);
  expect(await inspector.rows()).toHaveLength(2);
});

test.each([
  ['exists', (storage: Storage, generation: string) => ({ storage, generation })],
  [
    'newer',
    async (storage: Storage, generation: string) => {
      await storage.bucket('raw').replaceIf('clip.mp4', generation, Buffer.from('new'));
      return { storage, generation };
    },
  ],
  [
    'gone',
    async (storage: Storage, generation: string) => {
      await storage.bucket('raw').delete('clip.mp4');
      return { storage, generation };
    },
  ],
  [
    'succeeded',
    async (storage: Storage, generation: string) => {
      await storage.bucket('frames').putIfAbsent(`clip.mp4/${generation}/manifest.json`, Buffer.from('{}'));
      return { storage, generation };
    },
  ],
] as const)('an upload that %s by now', async (state, arrange) => {
  const inspector = startMemoryInspector();
  const { storage } = inspector;
  const put = await storage.bucket('raw').putIfAbsent('clip.mp4', Buffer.from('video'));
  const generation = put.kind === 'written' ? put.facts.generation : '';
  await arrange(storage, generation);
  await inspector.deliver(deadUpload(generation));
  expect(await inspector.deaths()).toMatchObject([
    {
      function: 'processVideo',
      concern: { kind: 'object', bucket: 'raw', name: 'clip.mp4', generation },
      concernState: state,
      eventId: eventIdOf({ id: '42', source: '//storage.googleapis.com/projects/_/buckets/raw' }),
    },
  ]);
  expect(await inspector.letters()).toMatchObject([{ status: state === 'succeeded' ? 'resolved' : 'open' }]);
});

test('an event that has its row by now has succeeded; a batch has if all of its events have', async () => {
  const inspector = startMemoryInspector();
  const table = await openEventsTable(inspector.storage.bucket('lake'), 'events');
  await table.append([{ event_id: ORDER_ID }]);
  const [first, second] = [cloudEvent(), cloudEvent({ id: 'e-2' })];
  await Promise.all([
    inspector.deliver(givenUpMessage(structured())),
    inspector.deliver(givenUpMessage(structured({ id: 'e-3' }))),
    inspector.deliver(givenUpMessage(batch([first]))),
    inspector.deliver(givenUpMessage(batch([first, second]))),
  ]);
  const states = (await inspector.deaths()).map(({ concern, concernState, letterMessage }) => [
    concern?.kind === 'event' ? concern.type : undefined,
    letterMessage.bytes > 200,
    concernState,
  ]);
  expect(states.sort()).toEqual([
    ['batch', false, 'succeeded'],
    ['batch', true, 'exists'],
    ['order.created', false, 'exists'],
    ['order.created', false, 'succeeded'],
  ]);
});

test('a subject that cannot be read is unknown, and the death is still recorded', async () => {
  const memory = createMemoryStorage();
  const denied = async (): Promise<never> => Promise.reject(new AppError('denied', '403'));
  const storage: Storage = {
    bucket: (name) => (name === 'raw' ? { ...memory.bucket(name), stat: denied } : memory.bucket(name)),
  };
  const inspector = startMemoryInspector(storage);
  await inspector.deliver(deadUpload('17'));
  expect(await inspector.deaths()).toMatchObject([{ concernState: 'unknown' }]);
});

test('a table that is out of order: the letter is kept and logged at once, and the redelivery adds the row', async () => {
  const memory = createMemoryStorage();
  let broken = true;
  const fail = async (): Promise<never> => Promise.reject(new AppError('denied', 'lake: 403'));
  const storage: Storage = {
    bucket(name) {
      const store = memory.bucket(name);
      return name === 'lake'
        ? { ...store, putIfAbsent: (...args) => (broken ? fail() : store.putIfAbsent(...args)) }
        : store;
    },
  };
  const inspector = startMemoryInspector(storage);
  const letter = givenUpMessage(structured());
  await expect(inspector.deliver(letter)).rejects.toThrow('lake: 403');
  expect(await inspector.letters()).toMatchObject([{ status: 'open' }]);
  expect(inspector.logs.filter((line) => line['outcome'] === 'dead-letter')).toHaveLength(1);
  broken = false;
  await inspector.deliver(letter);
  const [death] = await inspector.deaths();
  expect(await inspector.rows()).toMatchObject([
    {
      death_id: `${death?.letter}/${death?.key}`,
      inspected_at: BigInt(Date.parse(death!.inspectedAt)) * 1_000n,
    },
  ]);
  expect(inspector.logs.filter((line) => line['outcome'] === 'dead-letter')).toHaveLength(1);
});

test('an upload announced by Eventarc’s own notification: the history is that of the object', async () => {
  const inspector = startMemoryInspector();
  const object = { bucket: 'raw', name: 'clip.mp4', generation: '17' };
  await fail(inspector.storage, 'processVideo', uploadIdOf(object), 'denied', '2026-11-21T10:05:00Z');
  const attributes = {
    eventType: 'OBJECT_FINALIZE',
    payloadFormat: 'JSON_API_V1',
    bucketId: 'raw',
    objectId: 'clip.mp4',
    objectGeneration: '17',
    'ce-specversion': '1.0',
    'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
    'ce-type': 'google.cloud.storage.object.v1.finalized',
  };
  const letter = { data: objectResource(object), attributes };
  await inspector.deliver(givenUp(letter, 'eventarc-europe-west1-pipeline-processvideo-17-sub-3'));
  expect(await inspector.deaths()).toMatchObject([
    { function: 'processVideo', code: 'denied', attemptCount: 1, concern: { kind: 'object', ...object } },
  ]);
});

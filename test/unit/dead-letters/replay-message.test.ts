import { expect, test } from 'vitest';
import { messageOf } from '../../../cli/dlq/replay-plan.ts';
import { core } from '../../../functions/app.ts';
import { subjectOf } from '../../../shared/app/subject.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { deadLetterMessage } from '../../../shared/dead-letters/dead-letter-message.ts';
import { readDeadLetter } from '../../../shared/dead-letters/read-dead-letter.ts';
import type { DeathRecord } from '../../../shared/dead-letters/records.ts';
import { replayMessage, replayTopic } from '../../../shared/dead-letters/replay-message.ts';
import { contentIdOf } from '../../../shared/events/content-id.ts';
import { withoutForeignMarks } from '../../../shared/events/delivery.ts';
import { LENIENT, parseIncomingMessage } from '../../../shared/events/incoming-message.ts';
import { finalizedEvent, notificationMessage } from '../../helpers/events.ts';
import { deathRecord, givenUp, givenUpMessage } from '../../helpers/letters.ts';
import { binary, messageEvent, pubsubMessage, replayEvent, structured } from '../../helpers/messages.ts';

const LETTER = '0123456789abcdef0123456789abcdef';
const MARK = { deadLetterReplayOf: LETTER, deadLetterReplay: 'run-1' };
const CAUSE = { 'ce-causationid': LETTER };

function deathOf(input: unknown, name = 'ingestEvent'): DeathRecord {
  const { message } = readDeadLetter(input, ['processVideo', 'ingestEvent', 'maintainTable']);
  return deathRecord({ letter: LETTER, function: name, letterMessage: message });
}
const refused = (input: unknown): unknown => {
  const error = new AppError('invalid-event', 'no good');
  const { data, attributes } = deadLetterMessage({
    function: 'f',
    eventId: 'e',
    error,
    input,
    at: new Date(0),
  });
  return messageEvent(pubsubMessage({ data, attributes }));
};
const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, 'v']));

test('a given-up message is published unchanged, with mark and cause', () => {
  const data = Uint8Array.of(0, 255, 1);
  const letter = givenUp({
    data,
    attributes: { a: '1', deadLetterBox: '2', deadLetterCode: 'old', googclient_x: 'y' },
    orderingKey: 'k',
  });
  expect(replayMessage(deathOf(letter), 'run-1')).toEqual({
    kind: 'message',
    message: {
      data: Buffer.from(data),
      attributes: { a: '1', deadLetterBox: '2', ...MARK, ...CAUSE, deadLetterOrderingKey: 'k' },
      orderingKey: 'k',
    },
    leftOut: [],
  });
});

test('so is one that its function refused', () => {
  const letter = refused(
    messageEvent(pubsubMessage({ data: 'x', attributes: { a: '1' }, orderingKey: 'k' })),
  );
  expect(replayMessage(deathOf(letter), 'run-1')).toEqual({
    kind: 'message',
    message: {
      data: Buffer.from('x'),
      attributes: { a: '1', ...MARK, ...CAUSE, deadLetterOrderingKey: 'k' },
      orderingKey: 'k',
    },
    leftOut: [],
  });
});

test('a replay that is replayed has one mark, that of the last replay', () => {
  const attributes = { ...MARK, deadLetterReplay: 'run-0' };
  expect(replayMessage(deathOf(givenUp({ data: 'x', attributes })), 'run-1')).toMatchObject({
    message: { attributes: { ...MARK, ...CAUSE } },
  });
});

test.each([
  ['ce-causationid', { 'ce-causationid': 'c-1' }],
  ['causationid, which plain JSON may use', { causationid: 'c-1' }],
  ['causation_id, which many producers write', { causation_id: 'c-1' }],
])('a cause that the event names is kept: %s', (_name, attributes) => {
  expect(replayMessage(deathOf(givenUp({ data: 'x', attributes })), 'run-1')).toMatchObject({
    message: { attributes: { ...attributes, ...MARK } },
    leftOut: [],
  });
});

test.each([
  ['room for all three', 97, ['mark', 'cause'], []],
  ['room for the mark alone', 98, ['mark'], ['causation']],
  ['room for one', 99, ['cause'], ['mark']],
  ['no room', 100, [], ['mark', 'causation']],
])('attributes: %s', (_name, count, added, leftOut) => {
  const letter = refused(messageEvent(pubsubMessage({ data: 'x', attributes: many(count) })));
  expect(replayMessage(deathOf(letter), 'run-1')).toEqual({
    kind: 'message',
    message: {
      data: Buffer.from('x'),
      attributes: {
        ...many(count),
        ...(added.includes('mark') && MARK),
        ...(added.includes('cause') && CAUSE),
      },
    },
    leftOut,
  });
});

test('an ordering key that is too long is left out', () => {
  expect(
    replayMessage(deathOf(givenUp({ data: 'x', orderingKey: 'k'.repeat(1_025) })), 'run-1'),
  ).toMatchObject({
    message: { data: Buffer.from('x') },
    leftOut: ['ordering key'],
  });
});

test.each([
  ['nobody knows whose it was', deathRecord({ function: 'unknown' }), 'its function is unknown'],
  [
    'what came was no message',
    deathOf(refused(messageEvent({ data: '%%%' }))),
    'it did not arrive as a Pub/Sub message',
  ],
  ['what came was no object', deathOf(refused('boo')), 'it did not arrive as a Pub/Sub message'],
  [
    'a message that could not have been published',
    deathOf(refused(messageEvent(pubsubMessage({ data: 'x', attributes: { a: 'v'.repeat(1_025) } })))),
    'an attribute must have at most 1024 bytes, got 1025',
  ],
  [
    'more attributes than a message has',
    deathOf(refused(messageEvent(pubsubMessage({ data: 'x', attributes: many(101) })))),
    'the event must have at most 100 attributes, got 101',
  ],
])('cannot be published again: %s', (_name, death, reason) => {
  expect(replayMessage(death, 'run-1')).toEqual({ kind: 'impossible', reason });
});

test('a refused storage event is published whole, as a CloudEvent', () => {
  const event = finalizedEvent();
  const replay = replayMessage(deathOf(refused(event), 'processVideo'), 'run-1');
  expect(replay).toMatchObject({
    message: { attributes: { 'content-type': 'application/cloudevents+json', ...MARK, ...CAUSE } },
  });
  expect(JSON.parse(dataOf(replay))).toEqual(event);
});

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const NAMED = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-type': 't', 'ce-source': '//s' };
const attributes = { ...NAMED, googclient_traceparent: TRACE };

test.each<[string, unknown]>([
  ['gave up', givenUp({ data: '{}', attributes })],
  ['refused', refused(messageEvent(pubsubMessage({ data: '{}', attributes })))],
  [
    'gave up as a replay',
    givenUp(
      {
        data: '{}',
        attributes: { ...NAMED, deadLetterTraceparent: TRACE },
      },
      'replay-ingestevent',
    ),
  ],
])('a trace that only the client library names is kept where its function %s', (_how, letter) => {
  const replay = replayMessage(deathOf(letter), 'run-1');
  if (replay.kind !== 'message') throw new Error(replay.reason);
  expect(Object.keys(replay.message.attributes ?? {}).filter((name) => name.startsWith('goog'))).toEqual([]);
  const message = pubsubMessage({ ...replay.message });
  const delivered = withoutForeignMarks(replayEvent(message), 'ingestEvent');
  const { event } = parseIncomingMessage(delivered, LENIENT);
  expect(event.traceparent).toBe(TRACE);
  expect(contentIdOf(delivered)).toBe(contentIdOf(messageEvent(pubsubMessage({ data: '{}', attributes }))));
});

test('a tick of the maintenance keeps its time, which is all its content', () => {
  const letter = givenUp({ data: '{}' }, 'eventarc-maintainTable');
  expect(messageOf(deathOf(letter, 'maintainTable'), 'run-1', core)).toMatchObject({
    message: { attributes: { 'ce-time': '2026-11-21T10:00:00.123Z' } },
  });
});

/** Dead events of every form: the function that gets the replay has to see the same event. */
const resource = { kind: 'storage#object', bucket: 'raw', name: 'ü 1.mp4', generation: '17' };
const carried = {
  'ce-specversion': '1.0',
  'ce-id': '42',
  'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
  'ce-type': 'google.cloud.storage.object.v1.finalized',
  'ce-correlationid': 'c-7',
};
test.each([
  ['ingestEvent', 'structured', givenUpMessage(structured({ correlationid: 'c-7' }))],
  ['ingestEvent', 'binary', givenUpMessage(binary({ correlationid: 'c-7' }))],
  ['ingestEvent', 'plain JSON', givenUp({ data: '{"b":1,"a":2}' })],
  [
    'ingestEvent',
    'a batch',
    givenUp({ data: '[]', attributes: { 'content-type': 'application/cloudevents-batch+json' } }),
  ],
  ['ingestEvent', 'refused', refused(messageEvent(structured()))],
  ['maintainTable', 'a tick', givenUp({ data: '{}' }, 'eventarc-maintainTable')],
  ['processVideo', 'refused', refused(finalizedEvent({}, { correlationid: 'c-7' }))],
  [
    'processVideo',
    'given up in Eventarc’s form',
    givenUp({ data: resource, attributes: carried }, 'eventarc-processVideo'),
  ],
  ['processVideo', 'a notification', givenUpMessage(notificationMessage(), 'eventarc-processVideo')],
])('identity, correlation and subject stay: %s, %s', async (name, _form, input) => {
  const fix = (fields: Record<string, unknown>) => messageEvent(pubsubMessage(fields));
  const replay = messageOf(deathOf(input, name), 'run-1', core);
  if (replay.kind !== 'message') throw new Error(replay.reason);
  const { original } = readDeadLetter(input, ['processVideo', 'ingestEvent', 'maintainTable']);
  const { inputOf } = await import('../../../shared/dead-letters/original.ts');
  const before = await subjectOf(core, name, inputOf(original));
  const after = await subjectOf(
    core,
    name,
    fix({ data: replay.message.data, attributes: replay.message.attributes }),
  );
  expect(before?.eventId).toMatch(/^[0-9a-f]{64}$/);
  // plain JSON without a source has the topic as its source
  const source =
    before?.about?.kind === 'event'
      ? { source: after?.about && 'source' in after.about ? after.about.source : undefined }
      : {};
  expect(after).toEqual({ ...before, about: { ...before?.about, ...source } });
});

test('topics are named after the function in lower case', () => {
  expect(replayTopic('processVideo')).toBe('replay-processvideo');
  expect(replayTopic('processVideo', 'p-replay-')).toBe('p-replay-processvideo');
});

function dataOf(replay: ReturnType<typeof replayMessage>): string {
  return replay.kind === 'message' ? Buffer.from(replay.message.data).toString() : replay.reason;
}

import { expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { deadLetterMessage } from '../../../shared/dead-letters/dead-letter-message.ts';
import { functionOf, readDeadLetter } from '../../../shared/dead-letters/read-dead-letter.ts';
import { finalizedEvent } from '../../helpers/events.ts';
import { forwarding, givenUp } from '../../helpers/letters.ts';
import { messageEvent, pubsubMessage, pushBody } from '../../helpers/messages.ts';

const FUNCTIONS = ['processVideo', 'ingestEvent', 'maintainTable', 'inspectDeadLetter'];
const read = (input: unknown) => readDeadLetter(input, FUNCTIONS);

/** The dead letter of a refused event, as delivered to the inspector. */
function refused(input: unknown, message: Record<string, unknown> = {}, eventId = 'e'.repeat(64)) {
  const { data, attributes } = deadLetterMessage({
    function: 'ingestEvent',
    eventId,
    error: new AppError('not-json', 'data is 3 bytes that are not UTF-8; JSON is allowed'),
    input,
    at: new Date('2026-11-21T10:00:00Z'),
  });
  return messageEvent(pubsubMessage({ data, attributes, ...message }));
}

test.each([
  ['eventarc-processVideo', 'processVideo'],
  ['eventarc-us-central1-pipeline-processvideo-123456-sub-789', 'processVideo'],
  ['replay-maintaintable', 'maintainTable'],
  ['processvideo-ingestevent', 'ingestEvent'],
  ['PROCESSVIDEO', 'processVideo'],
  ['somebody-else', undefined],
  ['', undefined],
])('subscription %s belongs to %s', (subscription, name) => {
  expect(functionOf(subscription, FUNCTIONS)).toBe(name);
});

test('given up by Pub/Sub: the subscription names the function, the rest is the original', () => {
  const letter = read(
    givenUp(
      {
        data: 'body',
        attributes: { a: '1', googclient_x: 'y' },
        messageId: '9',
        publishTime: '2026-11-21T10:05:00Z',
      },
      'eventarc-ingestEvent',
    ),
  );
  expect(letter).toMatchObject({
    way: 'given-up',
    function: 'ingestEvent',
    subscription: 'eventarc-ingestEvent',
    deliveries: 5,
    refusal: undefined,
    eventId: undefined,
    diedAt: '2026-11-21T10:05:00.000Z',
    message: { messageId: '9', bytes: 4, form: 'message' },
  });
  expect(letter.original).toEqual({
    kind: 'message',
    data: Buffer.from('body'),
    attributes: { a: '1' },
    messageId: undefined,
    publishTime: '2026-11-21T10:00:00.123Z',
    orderingKey: undefined,
  });
});

test('refused: has code, reason and event id, and the original has its id again', () => {
  const letter = read(
    refused(messageEvent(pubsubMessage({ data: 'x', messageId: '5', orderingKey: 'k', publishTime: 'p' }))),
  );
  expect(letter).toMatchObject({
    way: 'refused',
    function: 'ingestEvent',
    subscription: undefined,
    refusal: { code: 'not-json', reason: 'data is 3 bytes that are not UTF-8; JSON is allowed' },
    eventId: 'e'.repeat(64),
    diedAt: '2026-11-21T10:00:00.000Z',
  });
  expect(letter.original).toMatchObject({
    messageId: '5',
    orderingKey: 'k',
    publishTime: 'p',
    attributes: {},
  });
});

test('refused, and no message: the delivered body is inside', () => {
  const event = finalizedEvent({ generation: 7 });
  const letter = read(refused(event));
  expect(letter.message.form).toBe('envelope');
  expect(letter.original).toEqual({ kind: 'event', input: event, text: JSON.stringify(event) });
});

test('refused with attributes that left no room: the message inside is the original', () => {
  const attributes = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`a${index}`, 'v']));
  const letter = read(refused(messageEvent(pubsubMessage({ data: 'x', attributes }))));
  expect(letter.message.form).toBe('envelope');
  expect(letter.original).toMatchObject({ kind: 'message', data: Buffer.from('x'), attributes });
});

test.each([
  ['nothing', undefined],
  ['null', null],
  ['a number', 7],
  ['text', 'boo'],
  ['a list', [1]],
  ['an event of another kind', { specversion: '1.0', id: '1', source: 's', type: 't', data: 1 }],
  ['a message without base64', messageEvent({ data: '%%%', messageId: '1' })],
  ['attributes that are no text', messageEvent({ data: '', attributes: { a: 1 } })],
  ['a body without a message', { subscription: 's' }],
])('anything but a Pub/Sub message is taken raw: %s', (_name, input) => {
  const letter = read(input);
  expect(letter).toMatchObject({ way: 'unknown', function: 'unknown', message: { form: 'raw' } });
  expect(Buffer.from(letter.message.data, 'base64').toString()).toBe(JSON.stringify(input) ?? 'null');
  expect(letter.key).toMatch(/^[0-9a-f]{16}$/);
  expect(read(input).key).toBe(letter.key);
});

test.each([
  ['no data and no attributes', {}],
  ['attributes alone', { attributes: { a: '1' } }],
  ['bytes that are no UTF-8', { data: Uint8Array.of(0xff, 0, 0xc3) }],
  ['a form that does not fit the data', { data: 'no json', attributes: { deadLetterForm: 'envelope' } }],
])('a foreign message on the topic is kept unchanged: %s', (_name, fields) => {
  const input = messageEvent(pubsubMessage({ ...fields, messageId: '3' }));
  const letter = read(input);
  expect(letter).toMatchObject({
    way: 'unknown',
    function: 'unknown',
    message: { form: 'message', messageId: '3' },
  });
  expect(letter.message.attributes).toEqual((fields as { attributes?: unknown }).attributes ?? {});
});

test.each(['+275760-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '-271821-04-20T00:00:00Z', 'yesterday', ''])(
  'a time that no table can hold is dropped: %j',
  (deadLetterTime) => {
    const attributes = { deadLetterCode: 'c', deadLetterTime };
    expect(
      read(messageEvent(pubsubMessage({ attributes, publishTime: deadLetterTime }))).diedAt,
    ).toBeUndefined();
  },
);

test('the same death has one key, whichever copy delivers it', () => {
  const original = messageEvent(pubsubMessage({ data: 'x', messageId: '5' }));
  const keys = [
    read(refused(original, { messageId: '101' })),
    read(refused(original, { messageId: '102' })),
    read(pushBody({ ...messageOf(refused(original)), messageId: '103' })),
  ].map(({ key }) => key);
  expect(new Set(keys).size).toBe(1);
  const storage = [
    read(refused(finalizedEvent(), { messageId: '1' })),
    read(refused(finalizedEvent({}, { traceparent: 'x' }), { messageId: '2' })),
  ];
  expect(storage[0]?.key).toBe(storage[1]?.key);
  const forwarded = [
    read(givenUp({ data: 'x', messageId: '1' })),
    read(givenUp({ data: 'x', messageId: '2' })),
  ];
  expect(forwarded[0]?.key).toBe(forwarded[1]?.key);
});

test('another death has another key', () => {
  const at = 'CloudPubSubDeadLetterSourceTopicPublishTime';
  const marked = { deadLetterReplayOf: 'a'.repeat(32), deadLetterReplay: 'r1' };
  const letters = [
    read(refused(messageEvent(pubsubMessage({ data: 'x', messageId: '5' })))),
    read(refused(messageEvent(pubsubMessage({ data: 'x', messageId: '6' })))),
    read(refused(messageEvent(pubsubMessage({ data: 'x', messageId: '6', attributes: marked })))),
    read(givenUp({ data: 'x' })),
    read(givenUp({ data: 'x' }, 'replay-ingestevent')),
    read(givenUp({ data: 'x' }, 'eventarc-ingestEvent', { [at]: '2026-11-21T10:00:00.124Z' })),
    read(messageEvent(pubsubMessage({ data: 'x', messageId: '5' }))),
    read(messageEvent(pubsubMessage({ data: 'x', messageId: '6' }))),
  ];
  expect(new Set(letters.map(({ key }) => key)).size).toBe(letters.length);
});

test('a dead letter that was put back by hand is explained by its last death', () => {
  const first = messageOf(refused(messageEvent(pubsubMessage({ data: 'x', messageId: '5' }))));
  const attributes = {
    ...(first['attributes'] as Record<string, string>),
    ...forwarding('eventarc-processVideo'),
  };
  expect(read(messageEvent({ ...first, attributes }))).toMatchObject({
    way: 'given-up',
    function: 'processVideo',
    refusal: undefined,
  });
  const back = read(refused(messageEvent({ ...first, attributes })));
  expect(back).toMatchObject({ way: 'refused', function: 'ingestEvent', subscription: undefined });
});

test('a dead letter of a dead letter belongs to the inspector', () => {
  const inner = messageOf(refused(messageEvent(pubsubMessage({ data: 'x' }))));
  const attributes = {
    ...(inner['attributes'] as Record<string, string>),
    ...forwarding('eventarc-inspectDeadLetter'),
  };
  expect(read(messageEvent({ ...inner, attributes }))).toMatchObject({
    way: 'given-up',
    function: 'inspectDeadLetter',
  });
});

test('the mark of a replay is read from the attributes, and from the message inside', () => {
  const marked = { deadLetterReplayOf: 'a'.repeat(32), deadLetterReplay: 'r1' };
  const mark = { letter: 'a'.repeat(32), key: 'r1' };
  expect(read(givenUp({ data: 'x', attributes: marked }, 'replay-ingestevent')).mark).toEqual(mark);
  expect(read(givenUp({ data: 'x', attributes: marked })).mark).toBeUndefined();
  const many = Object.fromEntries(Array.from({ length: 98 }, (_, index) => [`a${index}`, 'v']));
  const full = refused(messageEvent(pubsubMessage({ data: 'x', attributes: { ...many, ...marked } })));
  expect(read(full)).toMatchObject({ mark, message: { form: 'envelope' } });
  expect(
    read(givenUp({ data: 'x', attributes: { ...marked, deadLetterReplay: '../r' } })).mark,
  ).toBeUndefined();
});

test('a storage notification gets its own identity, with or without the resource', () => {
  const attributes = {
    eventType: 'OBJECT_FINALIZE',
    bucketId: 'raw',
    objectId: 'ü.mp4',
    objectGeneration: '17',
    'ce-source': '//storage.googleapis.com/projects/_/buckets/raw',
    'ce-specversion': '1.0',
    'ce-type': 'google.cloud.storage.object.v1.finalized',
  };
  for (const data of ['{"name":"ü.mp4"}', undefined]) {
    const { original } = read(givenUp({ ...(data && { data }), attributes }, 'eventarc-processVideo'));
    expect(original).toMatchObject({
      kind: 'message',
      data: Buffer.from(data ?? '{"kind":"storage#object","bucket":"raw","name":"ü.mp4","generation":"17"}'),
      attributes: { ...attributes, 'ce-id': expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
  }
});

function messageOf(event: Record<string, unknown>): Record<string, unknown> {
  return (event['data'] as { message: Record<string, unknown> }).message;
}

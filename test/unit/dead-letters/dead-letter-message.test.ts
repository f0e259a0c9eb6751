import { expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { deadLetterMessage } from '../../../shared/dead-letters/dead-letter-message.ts';
import { messageEvent, pubsubMessage, structured } from '../../helpers/messages.ts';

const refuse = (input: unknown, reason = 'a is 1; 2 is allowed') =>
  deadLetterMessage({
    function: 'fn',
    eventId: 'e',
    error: new AppError('invalid-event', reason),
    input,
    at: new Date('2026-11-21T10:00:00Z'),
  });
const many = (count: number, name = (index: number) => `a${index}`, value = 'v'): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), value]));

test('a message keeps its bytes, even binary ones', () => {
  const data = Uint8Array.of(0, 255, 1);
  const letter = refuse(
    messageEvent(pubsubMessage({ data, attributes: { a: '1' }, messageId: '7', publishTime: 't' })),
  );
  expect([...letter.data]).toEqual([0, 255, 1]);
  expect(letter.attributes).toEqual({
    a: '1',
    deadLetterCode: 'invalid-event',
    deadLetterReason: 'a is 1; 2 is allowed',
    deadLetterFunction: 'fn',
    deadLetterEventId: 'e',
    deadLetterTime: '2026-11-21T10:00:00.000Z',
    deadLetterMessageId: '7',
    deadLetterPublishTime: 't',
    deadLetterForm: 'original',
  });
});

test.each([
  ['as many as fit', many(92), 'original'],
  ['one more', many(93), 'envelope'],
  ['names that Pub/Sub keeps for itself', { googclient_schemaencoding: 'JSON' }, 'envelope'],
  ['a value of the largest size', { a: 'x'.repeat(1_024) }, 'original'],
  ['a value beyond it', { a: 'ü'.repeat(513) }, 'envelope'],
  ['a name beyond the largest size', { ['n'.repeat(257)]: 'v' }, 'envelope'],
  ['an empty name', { '': 'v' }, 'envelope'],
] as const)('attributes: %s', (_name, attributes, form) => {
  const input = messageEvent(pubsubMessage({ data: 'd', attributes }));
  const letter = refuse(input);
  expect(letter.attributes['deadLetterForm']).toBe(form);
  expect(Object.keys(letter.attributes).length).toBeLessThanOrEqual(100);
  // no form loses anything
  if (form === 'original') expect(letter.attributes).toMatchObject(attributes);
  else expect(JSON.parse(Buffer.from(letter.data).toString())).toEqual(input);
});

test('a body that is no message is published whole, as JSON', () => {
  const event = { specversion: '1.0', type: 'google.cloud.storage.object.v1.finalized', data: { name: 7 } };
  const letter = refuse(event);
  expect(JSON.parse(Buffer.from(letter.data).toString())).toEqual(event);
  expect(letter.attributes).toMatchObject({ deadLetterForm: 'envelope', deadLetterCode: 'invalid-event' });
});

test('a long reason is cut between characters', () => {
  const { deadLetterReason = '' } = refuse({}, `x${'😀'.repeat(400)}`).attributes;
  expect(Buffer.byteLength(deadLetterReason)).toBeLessThanOrEqual(1_024);
  expect(deadLetterReason).toMatch(/^x😀+…$/u);
});

test('a dead letter that dies again describes its last death', () => {
  const first = refuse(messageEvent(structured()));
  const again = refuse(
    messageEvent(pubsubMessage({ data: first.data, attributes: first.attributes })),
    'second',
  );
  expect(again.attributes).toMatchObject({ deadLetterReason: 'second', deadLetterForm: 'original' });
  expect(again.data).toEqual(first.data);
});

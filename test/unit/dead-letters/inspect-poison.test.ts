import { expect, test } from 'vitest';
import { finalizedEvent } from '../../helpers/events.ts';
import { startMemoryInspector } from '../../helpers/inspect-memory.ts';
import { givenUp, givenUpMessage } from '../../helpers/letters.ts';
import { messageEvent, pubsubMessage } from '../../helpers/messages.ts';

const all = (count: number, size: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`${index}`.padEnd(256, 'n'), 'v'.repeat(size)]),
  );

test.each([
  ['10 MB', pubsubMessage({ data: Buffer.alloc(10_485_760, 0xfe) })],
  ['bytes of every value', pubsubMessage({ data: Uint8Array.from({ length: 256 }, (_, index) => index) })],
  ['attributes of the largest size', pubsubMessage({ data: 'x', attributes: all(96, 1_024) })],
  ['control characters', pubsubMessage({ data: '\u001b[2J', attributes: { 'ce-type': '\u001b]0;x\u0007' } })],
  ['half a surrogate pair', pubsubMessage({ data: '{"id":"\\ud800"}', attributes: { 'ce-type': '\ud800' } })],
  ['JSON that is nested too deeply', pubsubMessage({ data: '['.repeat(100_000) + ']'.repeat(100_000) })],
  [
    'an envelope that is nested too deeply',
    pubsubMessage({
      data: `{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      attributes: {
        deadLetterForm: 'envelope',
        deadLetterFunction: 'processVideo',
        deadLetterCode: 'too-deep',
      },
    }),
  ],
  [
    'times and names that no table holds',
    pubsubMessage({
      data: 'x',
      publishTime: '+275760-01-01T00:00:00Z',
      attributes: {
        deadLetterFunction: '\ud800',
        deadLetterCode: '\udfff',
        deadLetterTime: '+275760-01-01T00:00:00Z',
      },
    }),
  ],
  ['no data', pubsubMessage({ attributes: { a: '1' } })],
  ['nothing at all', pubsubMessage()],
])('poison is kept byte for byte: %s', async (_name, message) => {
  const inspector = startMemoryInspector();
  await inspector.deliver(givenUpMessage(message));
  await inspector.deliver(messageEvent({ ...message, messageId: '77' }));
  const deaths = await inspector.deaths();
  expect(deaths.map((death) => death.way === 'given-up').sort()).toEqual([false, true]);
  for (const { letterMessage } of deaths) {
    expect(letterMessage.data === (message['data'] ?? '')).toBe(true);
    expect(letterMessage.attributes).toMatchObject(message['attributes'] ?? {});
  }
  expect(await inspector.rows()).toHaveLength(2);
  expect(await inspector.letters()).toHaveLength(2);
});

test.each([
  ['null', null],
  ['a text', 'boo'],
  ['an event of another kind', finalizedEvent()],
  ['a message without base64', messageEvent({ data: '%%%' })],
  ['an attribute that is a number', messageEvent({ data: '', attributes: { a: 1 } })],
])('a body that is no message is kept raw: %s', async (_name, input) => {
  const inspector = startMemoryInspector();
  await inspector.deliver(input);
  await inspector.deliver(input);
  expect(await inspector.deaths()).toMatchObject([
    { function: 'unknown', way: 'unknown', code: 'unknown', letterMessage: { form: 'raw' } },
  ]);
  expect(await inspector.rows()).toHaveLength(1);
});

test('a dead letter of a dead letter is kept like any other', async () => {
  const inspector = startMemoryInspector();
  await inspector.deliver(
    givenUp({ data: 'x', attributes: { deadLetterCode: 'quota' } }, 'eventarc-inspectDeadLetter'),
  );
  expect(await inspector.letters()).toMatchObject([{ function: 'inspectDeadLetter', way: 'given-up' }]);
});

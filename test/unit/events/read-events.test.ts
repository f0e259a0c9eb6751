import { expect, test } from 'vitest';
import { parsePubsubMessage } from '../../../shared/events/pubsub-message.ts';
import { readEvents } from '../../../shared/events/read-events.ts';
import {
  batch,
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  structured,
} from '../../helpers/messages.ts';

const options = {
  maxBytes: 10_000,
  maxDepth: 10,
  maxBatch: 10,
  defaultType: 'json',
  defaultSource: '//none',
};
const MARK = {
  deadLetterReplayOf: '0123456789abcdef0123456789abcdef',
  deadLetterReplay: 'run-1',
  'ce-causationid': '0123456789abcdef0123456789abcdef',
};

function read(message: Record<string, unknown>, attributes: Record<string, string> = {}) {
  const own = message['attributes'] as Record<string, string> | undefined;
  const parsed = parsePubsubMessage(messageEvent({ ...message, attributes: { ...own, ...attributes } }));
  const { mode, outcomes } = readEvents(parsed, options);
  return { mode, events: outcomes.map((one) => (one.kind === 'event' ? one.event : undefined)) };
}

test.each([
  ['structured', 'structured', structured()],
  ['structured and unasked', 'structured', pubsubMessage({ data: cloudEvent() })],
  ['binary', 'binary', binary()],
  ['binary without data', 'binary', binary({ data: undefined })],
  ['a batch', 'batch', batch([cloudEvent()])],
  ['plain', 'plain', pubsubMessage({ data: { n: 1 } })],
])(
  'replayed, an event that arrived %s keeps its mode and identity, and gets its cause',
  (_name, mode, message) => {
    const before = read(message);
    const after = read(message, MARK);
    expect(after.mode).toBe(mode);
    expect(after).toEqual({
      mode: before.mode,
      events: before.events.map((event) => ({ ...event, causationId: MARK['ce-causationid'] })),
    });
  },
);

test.each([
  ['structured', structured({ causationid: 'own', correlationid: 'corr' })],
  ['of a batch', batch([cloudEvent({ causationid: 'own', correlationid: 'corr' })])],
])('links of the event itself, %s, take precedence over those beside it', (_name, message) => {
  const { events } = read(message, { ...MARK, 'ce-correlationid': 'other' });
  expect(events).toMatchObject([{ causationId: 'own', correlationId: 'corr' }]);
});

test('a correlation beside a structured event applies if the event has none', () => {
  expect(read(structured(), { 'ce-correlationid': 'corr' }).events).toMatchObject([
    { correlationId: 'corr' },
  ]);
});

test.each([
  ['empty', ''],
  ['with a control character', 'a\u0000b'],
])('a link beside a structured event that is %s is ignored, not refused', (_name, value) => {
  expect(read(structured(), { 'ce-causationid': value }).events).toMatchObject([{ causationId: undefined }]);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError, isRefusal } from '../../../shared/core/errors.ts';
import { deadLetterMessage } from '../../../shared/dead-letters/dead-letter-message.ts';
import { parsePubsubMessage } from '../../../shared/events/pubsub-message.ts';
import { readEvents } from '../../../shared/events/read-events.ts';
import { anyText } from '../../helpers/any-text.ts';
import { FULL } from '../../helpers/full-form.ts';
import { startMemoryIngest } from '../../helpers/ingest-memory.ts';
import {
  binary,
  cloudEvent,
  messageEvent,
  pubsubMessage,
  pushBody,
  structured,
} from '../../helpers/messages.ts';

/** In full all of them, otherwise a quarter. */
const runs = (all: number): number => (FULL ? all : all / 4);

const options = { maxBytes: 10_000, maxDepth: 20, maxBatch: 100, defaultType: 'json', defaultSource: '//x' };

const anything = fc.anything({ withBigInt: false, withDate: true, withTypedArray: true, maxDepth: 4 });
const envelope = fc.oneof(
  anything,
  anything.map((message) => pushBody(message)),
  anything.map((message) => messageEvent(message)),
  anything.map((data) => messageEvent({ data })),
  fc.dictionary(fc.string(), anything).map((attributes) => messageEvent({ data: 'e30=', attributes })),
);
const name = fc.constantFrom(
  'id',
  'source',
  'type',
  'time',
  'specversion',
  'data',
  'data_base64',
  'subject',
  'dataschema',
  'correlationid',
);
const attributes = fc.dictionary(
  fc.oneof(
    name.map((each) => `ce-${each}`),
    fc.constantFrom('content-type', 'Content-Type', 'type', 'source'),
    fc.string(),
  ),
  fc.oneof(
    fc.string(),
    fc.constantFrom(
      '1.0',
      'application/cloudevents+json',
      'application/cloudevents-batch+json',
      '2026-01-01T00:00:00Z',
    ),
  ),
);
const data = fc.oneof(
  fc.json().map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 60 }),
  fc.dictionary(name, anything).map((event) => Buffer.from(stringify({ ...cloudEvent(), ...event }))),
  fc.array(fc.dictionary(name, fc.string())).map((events) => Buffer.from(JSON.stringify(events))),
);

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return 'null';
  }
}

/** Ends in events or in a refusal that names found and allowed; any other error is our fault. */
function read(input: unknown): void {
  try {
    const { outcomes } = readEvents(parsePubsubMessage(input), options);
    for (const outcome of outcomes) {
      if (outcome.kind === 'refused') expect(isRefusal(outcome.error)).toBe(true);
      else expect(outcome.event.eventId).toMatch(/^[0-9a-f]{64}$/);
    }
  } catch (error) {
    if (!isRefusal(error)) throw error;
    expect(error.message).toMatch(/allowed|must |nested deeper/);
  }
}

test('any delivery is read or refused', () => {
  fc.assert(fc.property(envelope, read), { seed: 11, numRuns: runs(1_000) });
});

test('any content of a message is read or refused', () => {
  const message = fc
    .tuple(data, attributes)
    .map(([bytes, given]) => messageEvent(pubsubMessage({ data: bytes, attributes: given })));
  fc.assert(fc.property(message, read), { seed: 12, numRuns: runs(2_000) });
});

test('one byte changed anywhere in a good message is read or refused', () => {
  const good = [structured(), binary(), pubsubMessage({ data: { a: 1 } })].map((message) =>
    JSON.stringify(messageEvent(message)),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...good),
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 1 }),
      (text, at, char) => {
        const bent = text.slice(0, at % text.length) + char + text.slice((at % text.length) + 1);
        let input: unknown;
        try {
          input = JSON.parse(bent);
        } catch {
          return;
        }
        read(input);
      },
    ),
    { seed: 13, numRuns: runs(1_000) },
  );
});

test('a dead letter can be made of anything, within the limits of a message', () => {
  fc.assert(
    fc.property(envelope, anyText(3_000), (input, reason) => {
      const { data: bytes, attributes: given } = deadLetterMessage({
        function: 'ingestEvent',
        eventId: 'e',
        error: new AppError('invalid-event', reason),
        input,
        at: new Date(0),
      });
      expect(Object.keys(given).length).toBeLessThanOrEqual(100);
      for (const [key, value] of Object.entries(given)) {
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(256);
        expect(Buffer.byteLength(value)).toBeLessThanOrEqual(1_024);
        expect(value.isWellFormed()).toBe(true);
        expect(key).not.toMatch(/^goog/i);
      }
      expect(bytes.length).toBeGreaterThanOrEqual(0);
    }),
    { seed: 14, numRuns: runs(500) },
  );
});

test('the handler acknowledges all of them, and none is lost: each is a row or a dead letter', async () => {
  const ingest = startMemoryIngest();
  const inputs = fc.sample(fc.tuple(data, attributes), { seed: 15, numRuns: runs(400) });
  await Promise.all(
    inputs.map(([bytes, given]) =>
      ingest.deliver(messageEvent(pubsubMessage({ data: bytes, attributes: given }))),
    ),
  );
  // the log entry of the last commit is written one turn later
  await new Promise(setImmediate);
  const ingested = ingest.logs.filter((line) => line['outcome'] === 'ingested');
  const added = ingested.reduce((sum, line) => sum + Number(line['count']), 0);
  expect(await ingest.rows()).toHaveLength(added);
  expect(added + ingest.published.length).toBeGreaterThan(inputs.length * 0.75);
  expect(ingest.logs.filter((line) => line['severity'] === 'ERROR')).toEqual([]);
});

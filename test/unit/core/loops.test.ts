import { expect, test } from 'vitest';
import { parseDeadLetterConfig } from '../../../functions/dead-letter/settings.ts';
import { parseIngestConfig } from '../../../functions/ingest/settings.ts';
import { parseVideoConfig } from '../../../functions/video/settings.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { letterOf } from '../../../shared/dead-letters/letter-id.ts';
import { writeDeath } from '../../../shared/dead-letters/letter-store.ts';
import { publishRefusals } from '../../../shared/invocation/refusals.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { deathRecord } from '../../helpers/letters.ts';
import { messageEvent, pubsubMessage } from '../../helpers/messages.ts';

const good = {
  GOOGLE_CLOUD_PROJECT: 'p',
  RAW_BUCKET: 'raw',
  FRAMES_BUCKET: 'frames',
  STATE_BUCKET: 'state',
  LAKE_BUCKET: 'lake',
  EVENTS_TOPIC: 'events',
  DEAD_LETTER_TOPIC: 'dead-letters',
  MAINTENANCE_TOPIC: 'maintenance',
};
const parsers = [
  ['processVideo', parseVideoConfig],
  ['ingestEvent', parseIngestConfig],
  ['inspectDeadLetter', parseDeadLetterConfig],
] as const;

const upload = 'objects written there would count as uploads';
const loops: [string, Record<string, string>, string][] = [
  [
    'frames among the uploads',
    { FRAMES_BUCKET: 'raw' },
    `RAW_BUCKET must differ from FRAMES_BUCKET, got "raw" for both: ${upload}`,
  ],
  [
    'records among the uploads',
    { STATE_BUCKET: 'raw' },
    `RAW_BUCKET must differ from STATE_BUCKET, got "raw" for both: ${upload}`,
  ],
  [
    'the table among the uploads',
    { LAKE_BUCKET: 'raw' },
    `RAW_BUCKET must differ from LAKE_BUCKET, got "raw" for both: ${upload}`,
  ],
  [
    'dead letters among the events',
    { DEAD_LETTER_TOPIC: 'events' },
    'DEAD_LETTER_TOPIC must differ from EVENTS_TOPIC, got "events"',
  ],
  [
    'the same topic by its full name',
    { DEAD_LETTER_TOPIC: 'projects/p/topics/events' },
    'DEAD_LETTER_TOPIC must differ from EVENTS_TOPIC, got "projects/p/topics/events"',
  ],
  [
    'a maintenance run with every event',
    { MAINTENANCE_TOPIC: 'events' },
    'MAINTENANCE_TOPIC must differ from EVENTS_TOPIC, got "events"',
  ],
];

test.each(parsers)('%s accepts names that differ', (_name, parse) => {
  expect(() => parse(good)).not.toThrow();
  expect(() => parse({ ...good, DEAD_LETTER_TOPIC: 'projects/other/topics/events' })).not.toThrow();
});

test.each(
  parsers.flatMap(([name, parse]) =>
    loops.map(([what, env, message]) => ({ name, parse, what, env, message })),
  ),
)('$name refuses $what', ({ parse, env, message }) => {
  expect(() => parse({ ...good, ...env })).toThrow(
    expect.objectContaining({ code: 'invalid-config', message: `configuration: ${message}` }),
  );
});

test('a dead letter led back to the function that refused it is kept, and not published again', async () => {
  const published: unknown[] = [];
  const kept: unknown[] = [];
  const state = createMemoryStorage().bucket('state');
  const refuse = publishRefusals(
    async () => ({
      async publish(_topic, messages) {
        published.push(...messages);
        return ['1'];
      },
      close() {},
    }),
    'dead-letters',
    async (refusal) => {
      kept.push(refusal.eventId);
      return 'kept';
    },
    async () => state,
  );
  const deliver = (eventId: string, attributes: Record<string, string>) =>
    refuse({
      function: 'ingestEvent',
      eventId,
      error: new AppError('not-json', 'data is "x"; JSON is allowed'),
      input: messageEvent(pubsubMessage({ data: 'x', attributes })),
      at: new Date('2026-11-21T10:00:00Z'),
    });
  await deliver('first', {});
  await deliver('of another function', { deadLetterFunction: 'processVideo' });
  expect(published).toHaveLength(2);
  await deliver('back', { deadLetterFunction: 'ingestEvent' });
  expect(published).toHaveLength(3);
  await writeDeath(state, deathRecord({ letter: letterOf('ingestEvent', 'back') }));
  await deliver('back', { deadLetterFunction: 'ingestEvent' });
  expect(published).toHaveLength(3);
  expect(kept).toEqual(['back']);
});

import { expect, test } from 'vitest';
import { parseIngestConfig } from '../../../functions/ingest/settings.ts';

const needed = { LAKE_BUCKET: 'lake', STATE_BUCKET: 'state' };

test('two buckets are all it needs', () => {
  expect(parseIngestConfig(needed)).toEqual({
    project: undefined,
    lakeBucket: 'lake',
    deadLettersPath: 'dead-letters',
    lakePath: 'events',
    stateBucket: 'state',
    deadLetterTopic: undefined,
    unknownTypes: 'accept',
    read: {
      maxBytes: 1_048_576,
      maxDepth: 64,
      maxBatch: 10_000,
      defaultType: 'json',
      defaultSource: '//pubsub.googleapis.com',
    },
    flush: { rows: 5_000, bytes: 8_388_608, ms: 25 },
    checkpointCommits: 50,
    storageEndpoint: undefined,
    pubsubEndpoint: undefined,
    attemptMs: 50_000,
    debug: false,
    limits: { maxHops: 16, maxEventsPerCorrelation: 1_000 },
    traces: undefined,
  });
});

test.each([
  [{ ...needed, UNKNOWN_TYPES: 'refuse' }, { unknownTypes: 'refuse' }],
  [{ ...needed, FLUSH_ROWS: '1', FLUSH_MS: '0' }, { flush: { rows: 1, bytes: 8_388_608, ms: 0 } }],
  [{ ...needed, INGEST_SECONDS: '0.5' }, { attemptMs: 500 }],
  [{ ...needed, DEAD_LETTER_TOPIC: 'projects/p/topics/t' }, { deadLetterTopic: 'projects/p/topics/t' }],
  [
    { ...needed, DEAD_LETTER_TOPIC: 't', GOOGLE_CLOUD_PROJECT: 'p' },
    { deadLetterTopic: 't', project: 'p' },
  ],
])('%j', (env, expected) => {
  expect(parseIngestConfig(env)).toMatchObject(expected);
});

test('one error lists every mistake', () => {
  const env = {
    STATE_BUCKET: ' ',
    UNKNOWN_TYPES: 'maybe',
    FLUSH_ROWS: '0',
    MAX_EVENT_DEPTH: 'deep',
    DEAD_LETTER_TOPIC: 'letters',
  };
  const message = (() => {
    try {
      parseIngestConfig(env);
      return '';
    } catch (error) {
      return String(error);
    }
  })();
  for (const part of [
    'LAKE_BUCKET must be set',
    'STATE_BUCKET must be set',
    'UNKNOWN_TYPES must be one of accept, refuse, got "maybe"',
    'FLUSH_ROWS must be an integer from 1 to 100000, got "0"',
    'MAX_EVENT_DEPTH must be an integer from 1 to 1000, got "deep"',
    'DEAD_LETTER_TOPIC must be projects/P/topics/T, or T if GOOGLE_CLOUD_PROJECT is set, got "letters"',
  ]) {
    expect(message).toContain(part);
  }
});

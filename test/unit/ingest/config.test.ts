import { expect, test } from 'vitest';
import { parseIngestConfig } from '../../../functions/ingest/config.ts';

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
    'LAKE_BUCKET is not set',
    'STATE_BUCKET is not set',
    'UNKNOWN_TYPES is "maybe"; allowed are accept, refuse',
    'FLUSH_ROWS is "0"; a number from 1 to 100000',
    'MAX_EVENT_DEPTH is "deep"',
    'DEAD_LETTER_TOPIC names no project, and GOOGLE_CLOUD_PROJECT is not set',
  ]) {
    expect(message).toContain(part);
  }
});

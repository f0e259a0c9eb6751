import { expect, test } from 'vitest';
import { parseDeadLetterConfig } from '../../../functions/dead-letter/config.ts';
import { parseIngestConfig } from '../../../functions/ingest/config.ts';

const needed = { LAKE_BUCKET: 'lake', STATE_BUCKET: 'state' };

test('two buckets are all it needs', () => {
  expect(parseDeadLetterConfig(needed)).toEqual({
    project: undefined,
    stateBucket: 'state',
    framesBucket: undefined,
    lakeBucket: 'lake',
    lakePath: 'events',
    deadLettersPath: 'dead-letters',
    flush: { rows: 5_000, bytes: 8_388_608, ms: 25 },
    checkpointCommits: 50,
    storageEndpoint: undefined,
    attemptMs: 100_000,
    inFull: { perGroup: 100, perHour: 1_000 },
    debug: false,
  });
});

test('one error lists every mistake', () => {
  const env = { STATE_BUCKET: ' ', LOG_LEVEL: 'loud', INSPECT_SECONDS: '0' };
  const parse = () => parseDeadLetterConfig(env);
  expect(parse).toThrow('STATE_BUCKET is not set');
  expect(parse).toThrow('LAKE_BUCKET is not set');
  expect(parse).toThrow('INSPECT_SECONDS is "0"; a number from 0.1 to 3500 is allowed');
  expect(parse).toThrow('LOG_LEVEL is "loud"; allowed are info, debug');
});

test.each([
  ['inspectDeadLetter', parseDeadLetterConfig],
  ['ingestEvent', parseIngestConfig],
] as const)('%s: two tables cannot share a folder', (_name, parse) => {
  const env = { ...needed, LAKE_PATH: 'x', DEAD_LETTERS_PATH: 'x' };
  expect(() => parse(env)).toThrow('LAKE_PATH and DEAD_LETTERS_PATH are both "x"; they must differ');
});

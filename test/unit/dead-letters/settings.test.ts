import { describe, expect, test } from 'vitest';
import { parseDeadLetterConfig } from '../../../functions/dead-letter/settings.ts';
import { parseIngestConfig } from '../../../functions/ingest/settings.ts';

const needed = { LAKE_BUCKET: 'lake', STATE_BUCKET: 'state' };

test('two buckets are all it needs', () => {
  expect(parseDeadLetterConfig(needed)).toEqual({
    project: undefined,
    stateBucket: 'state',
    deadLetterTopic: undefined,
    pubsubEndpoint: undefined,
    lakeBucket: 'lake',
    lakePath: 'events',
    deadLettersPath: 'dead-letters',
    flush: { rows: 5_000, bytes: 8_388_608, ms: 25 },
    checkpointCommits: 50,
    storageEndpoint: undefined,
    attemptMs: 100_000,
    inFull: { perGroup: 100, perHour: 1_000 },
    debug: false,
    limits: { maxHops: 16, maxEventsPerCorrelation: 1_000 },
    traces: undefined,
  });
});

test('one error lists every mistake', () => {
  const env = { STATE_BUCKET: ' ', LOG_LEVEL: 'loud', INSPECT_SECONDS: '0' };
  const parse = () => parseDeadLetterConfig(env);
  expect(parse).toThrow('STATE_BUCKET must be set');
  expect(parse).toThrow('LAKE_BUCKET must be set');
  expect(parse).toThrow('INSPECT_SECONDS must be a number from 0.1 to 3500, got "0"');
  expect(parse).toThrow('LOG_LEVEL must be one of info, debug, got "loud"');
});

describe.each([
  ['inspectDeadLetter', parseDeadLetterConfig],
  ['ingestEvent', parseIngestConfig],
] as const)('%s', (_name, parse) => {
  test.each([
    ['x', 'x'],
    ['x', 'x/'],
    ['lake', 'lake/dead-letters'],
    ['/a/b/c', 'a/b'],
  ])('two tables cannot share a folder: %s and %s', (lake, letters) => {
    const env = { ...needed, LAKE_PATH: lake, DEAD_LETTERS_PATH: letters };
    expect(() => parse(env)).toThrow(/must be folders of which neither contains the other/);
  });

  test.each(['/', '.', './events', 'a//b', 'a/../b', '..'])('not a folder for a table: %j', (path) => {
    for (const name of ['LAKE_PATH', 'DEAD_LETTERS_PATH']) {
      const message = `${name} must be a folder such as events or lake/events, got ${JSON.stringify(path)}`;
      expect(() => parse({ ...needed, [name]: path })).toThrow(message);
    }
  });

  test('sibling folders are fine, with a common prefix or slashes around them', () => {
    const env = { ...needed, LAKE_PATH: '/lake/events/', DEAD_LETTERS_PATH: 'lake/events-dead' };
    expect(parse(env)).toMatchObject({ lakePath: 'lake/events', deadLettersPath: 'lake/events-dead' });
  });
});

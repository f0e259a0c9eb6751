import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tableLines } from '../../../cli/common/columns.ts';
import { Failure, UsageError } from '../../../cli/common/options.ts';
import { type AdviceOn, adviceOn } from '../../../cli/dlq/advice.ts';
import { checkChoice, choose, parseNames, resolveName } from '../../../cli/dlq/choose.ts';
import { toFilter, UNSETTLED } from '../../../cli/dlq/filter-options.ts';
import { groupLetters } from '../../../cli/dlq/groups.ts';
import { findPlace } from '../../../cli/dlq/place.ts';
import { countLetters } from '../../../cli/dlq/stats.ts';
import { escapeJson } from '../../../local/terminal-text.ts';
import type { LetterSummary } from '../../../shared/dead-letters/records.ts';

const NOW = Date.UTC(2026, 10, 21, 12);

function summary(letter: string, fields: Partial<LetterSummary> = {}): LetterSummary {
  return {
    letter: letter.padEnd(32, '0'),
    status: 'open',
    function: 'ingestEvent',
    way: 'given-up',
    code: 'unavailable',
    group: 'feed00000001',
    pattern: 'put <url>: <n>',
    eventId: 'e'.repeat(64),
    correlationId: undefined,
    concern: 'order.created e-1',
    deaths: 1,
    replays: 0,
    firstDiedAt: '2026-11-21T10:00:00.000Z',
    lastDiedAt: '2026-11-21T10:00:00.000Z',
    bytes: 1_000,
    ...fields,
  };
}

describe('what a name means', () => {
  const all = [
    summary('abcd11'),
    summary('abcd22', { group: 'feed00000002' }),
    summary('beef33', { group: 'beef44000000' }),
  ];

  test('the beginning of a letter', () => {
    expect(resolveName(all, 'abcd1')).toMatchObject({ kind: 'letter', letter: { letter: all[0]?.letter } });
  });
  test('a group, or its beginning', () => {
    expect(resolveName(all, 'feed00000002')).toMatchObject({ kind: 'group', letters: [all[1]] });
    expect(resolveName(all, 'beef4')).toMatchObject({ kind: 'group', letters: [all[2]] });
  });
  test.each([
    [
      'abcd',
      /abcd is ambiguous, it matches letter abcd110000000000, letter abcd220000000000: give more digits/,
    ],
    ['beef', /beef is ambiguous, it matches group beef44000000, letter beef330000000000: give more digits/],
    ['feed', /feed is ambiguous, it matches group feed00000001, group feed00000002: give more digits/],
    ['0123', /no dead letter or group begins with 0123/],
  ])('%s: %s', (name, message) => {
    expect(() => resolveName(all, name)).toThrow(Failure);
    expect(() => resolveName(all, name)).toThrow(message);
  });
  test.each(['abc', 'xyzxyz', '', 'a'.repeat(33)])('%j is not a name', (name) => {
    expect(() => parseNames([name])).toThrow(UsageError);
  });
});

describe('selection of letters', () => {
  const all = [
    summary('aaaa1', { status: 'open' }),
    summary('aaaa2', { status: 'resolved' }),
    summary('aaaa3', { status: 'failed-again', code: 'quota', group: 'cafe00000000' }),
    summary('aaaa4', { status: 'discarded', function: 'processVideo', group: 'cafe00000000' }),
    summary('aaaa5', { status: 'replayed', lastDiedAt: '2026-11-20T00:00:00.000Z' }),
  ];
  const idsOf = (values: Parameters<typeof toFilter>[0], names: string[] = []): string[] =>
    choose(all, names, toFilter(values, NOW), UNSETTLED).map(({ letter }) => letter.slice(4, 5));

  test.each([
    ['those that are not settled, unasked', {}, '135'],
    ['by one status', { status: ['resolved'] }, '2'],
    ['by two', { status: ['resolved', 'open'] }, '12'],
    ['all of them', { status: ['all'] }, '12345'],
    ['by function and status', { function: ['processVideo'], status: ['all'] }, '4'],
    ['by code', { code: ['quota'] }, '3'],
    ['by the beginning of a group', { group: ['CAFE'], status: ['all'] }, '34'],
    ['from then', { since: '3h' }, '13'],
    ['before then', { until: '2026-11-21' }, '5'],
    ['of a time without any', { since: '2026-11-01', until: '2026-11-02' }, ''],
  ])('%s', (_what, values, expected) => expect(idsOf(values).join('')).toBe(expected));

  test('a named letter whatever its status, and the unsettled letters of a named group', () => {
    expect(idsOf({}, ['aaaa4'])).toEqual(['4']);
    expect(idsOf({}, ['cafe00'])).toEqual(['3']);
    expect(idsOf({ status: ['all'] }, ['cafe00', 'aaaa3'])).toEqual(['3', '4']);
  });
  test('filters apply to named letters, too', () => {
    expect(idsOf({ code: ['quota'] }, ['aaaa1', 'aaaa3'])).toEqual(['3']);
    expect(idsOf({ status: ['open'] }, ['aaaa1', 'aaaa2'])).toEqual(['1']);
  });
  test('nothing is chosen by accident', () => {
    const empty = toFilter({}, NOW);
    expect(() => checkChoice([], empty, false)).toThrow(/nothing selected: name letters or a group/);
    expect(() => checkChoice([], toFilter({ code: ['quota'] }, NOW), true)).toThrow(/--all selects all open/);
    expect(() => checkChoice([], empty, true)).not.toThrow();
  });
  test.each([
    [
      { status: ['opne'] },
      /--status must be one of open, failed-again, replayed, resolved, discarded, all, got "opne"/,
    ],
    [{ code: [''] }, /--code must not be empty/],
    [{ group: ['xyz'] }, /--group must be 4 to 12 hex digits, got "xyz"/],
    [{ since: '1h', until: '2h' }, /--since must be before --until, got 1h and 2h/],
  ])('%j is wrong usage', (values, message) => expect(() => toFilter(values, NOW)).toThrow(message));
});

test('groups: the largest first, with counts by status, from the first death to the last', () => {
  const groups = groupLetters([
    summary('a1', { group: 'one', lastDiedAt: '2026-11-21T11:00:00.000Z' }),
    summary('b1', { group: 'two', deaths: 3 }),
    summary('b2', { group: 'two', status: 'resolved', firstDiedAt: '2026-11-19T00:00:00.000Z' }),
  ]);
  expect(groups).toMatchObject([
    {
      group: 'two',
      letters: 2,
      deaths: 4,
      statuses: { open: 1, resolved: 1 },
      firstDiedAt: '2026-11-19T00:00:00.000Z',
      lastDiedAt: '2026-11-21T10:00:00.000Z',
    },
    { group: 'one', letters: 1, statuses: { open: 1 } },
  ]);
});

test('counts by status, function, code, disposition, age of the unsettled, and day of the first death', () => {
  const counts = countLetters(
    [
      summary('a', { lastDiedAt: '2026-11-21T11:30:00.000Z' }),
      summary('b', { status: 'resolved', way: 'refused', code: '__proto__' }),
      summary('c', {
        function: 'processVideo',
        deaths: 2,
        firstDiedAt: '2026-10-01T00:00:00.000Z',
        lastDiedAt: '2026-11-01T00:00:00.000Z',
      }),
    ],
    NOW,
  );
  expect(counts).toMatchObject({ letters: 3, deaths: 4, replays: 0 });
  expect(counts.byStatus).toEqual({ open: 2, resolved: 1 });
  expect(counts.byFunction).toEqual({ ingestEvent: 2, processVideo: 1 });
  expect(Object.entries(counts.byCode)).toEqual([
    ['unavailable', 2],
    ['__proto__', 1],
  ]);
  expect(counts.byWay).toEqual({ 'given-up': 2, refused: 1 });
  expect(counts.byAge).toEqual({ 'under an hour': 1, older: 1 });
  expect(counts.byDay).toEqual({ '2026-10-01': 1, '2026-11-21': 2 });
});

describe('what to do next', () => {
  const letter = 'abcdef0123456789abcdef0123456789';
  const on = (fields: Partial<AdviceOn>): string =>
    adviceOn({
      letter,
      status: 'open',
      code: 'unavailable',
      way: 'given-up',
      state: 'exists',
      isReplayable: true,
      ...fields,
    });

  test.each<[Partial<AdviceOn>, RegExp]>([
    [{}, /^a service was unavailable: .*\(npx pipeline dlq replay abcdef012345, or npx/],
    [{ code: 'denied' }, /^grant the role that the message names/],
    [{ code: 'schema-violation', way: 'refused' }, /^deploy a schema that allows it/],
    [{ code: 'no such code' }, /^no cause was recorded/],
    [
      { code: 'app-no-address', way: 'refused' },
      /^fix what the message names, then replay; or discard it \(/,
    ],
    [
      { code: 'app-no-address', ownRemedy: 'ask for an address' },
      /^ask for an address \(npx pipeline dlq replay /,
    ],
    [{ code: 'constructor' }, /^no cause was recorded/],
    [{ status: 'failed-again' }, /^its replay failed too; a service was unavailable/],
    [{ status: 'replayed' }, /^wait for the outcome .*, npx pipeline dlq replay abcdef012345 --again$/],
    // no mark fitted, so no outcome will ever be reported
    [{ status: 'replayed', state: 'succeeded' }, /^its event has been processed since/],
    [{ status: 'resolved', state: 'gone' }, /^nothing to do: it is settled$/],
    [{ status: 'discarded' }, /^nothing to do: it was discarded/],
    [{ state: 'gone' }, /^its object is gone, .*npx pipeline dlq discard abcdef012345 --reason/],
    [{ state: 'newer' }, /^its object was replaced/],
    [{ state: 'succeeded' }, /^its event has been processed since/],
    [{ isReplayable: false }, /^no function can take it back/],
  ])('%j', (fields, expected) => expect(on(fields)).toMatch(expected));

  test('a replay is proposed if it may help', () => {
    expect(on({ code: 'not-json' })).toMatch(
      /^a replay would fail the same way: .* \(npx pipeline dlq discard [0-9a-f]{12} --reason …\)$/,
    );
    expect(on({ code: 'quota' })).toMatch(
      / \(npx pipeline dlq replay [0-9a-f]{12}, or npx pipeline dlq discard /,
    );
  });
});

describe('where the letters are', () => {
  const cloud = { cloud: true };
  test('in the state bucket of the environment, or of the option', () => {
    expect(findPlace(cloud, { STATE_BUCKET: 'p-state', GOOGLE_CLOUD_PROJECT: 'p-1' })).toMatchObject({
      stateBucket: 'p-state',
      project: 'p-1',
      topicPrefix: 'replay-',
      isLocal: false,
    });
    const place = findPlace(
      { ...cloud, 'state-bucket': 'other', project: 'p-2' },
      {
        STATE_BUCKET: 'p-state',
        FRAMES_BUCKET: 'f-1',
        LAKE_BUCKET: 'l-1',
        REPLAY_TOPIC_PREFIX: 'my-replay-',
      },
    );
    expect(place).toMatchObject({
      stateBucket: 'other',
      lake: { bucket: 'l-1', path: 'events' },
      project: 'p-2',
      topicPrefix: 'my-replay-',
    });
  });
  test('a proposed command names the place as the user named it', () => {
    const env = { STATE_BUCKET: 'p-state' };
    const proposed = (options: Parameters<typeof findPlace>[0]): string =>
      findPlace(options, env).command('show 12ab');
    expect(proposed({ cloud: true })).toBe('npx pipeline dlq show 12ab --cloud');
    expect(proposed({ cloud: true, 'state-bucket': 'other', project: 'p-2' })).toBe(
      'npx pipeline dlq show 12ab --state-bucket other --project p-2 --cloud',
    );
    const local = mkdtempSync(join(tmpdir(), "it's here "));
    try {
      writeFileSync(join(local, 'endpoints.json'), '{"gcs":"http://127.0.0.1:9"}');
      expect(proposed({ local, cloud: false })).toBe(
        `npx pipeline dlq show 12ab --local '${local.replace("'", "'\\''")}'`,
      );
    } finally {
      rmSync(local, { recursive: true });
    }
  });
  test.each([
    [{}, {}, /--state-bucket or STATE_BUCKET must be given/],
    [{ 'state-bucket': 'No Bucket' }, {}, /--state-bucket must be the name of a bucket, got "No Bucket"/],
    [{ project: '-' }, { STATE_BUCKET: 'abc' }, /--project must be the id of a project, got "-"/],
  ])('%j', (options, env, message) => {
    expect(() => findPlace({ ...cloud, ...options }, env)).toThrow(UsageError);
    expect(() => findPlace({ ...cloud, ...options }, env)).toThrow(message);
  });
});

test('JSON for a terminal has the same meaning and no control characters', () => {
  const value = { a: '\u009b31m \u202e \u2028 \u00ad é 漢 🎬', '\u0085': ['\u001b]0;x\u0007'] };
  const text = escapeJson(JSON.stringify(value, undefined, 2));
  expect(JSON.parse(text)).toEqual(value);
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(text).toContain('é 漢 🎬');
});

test('columns: the widest shrinks first, down to its minimum; a line never exceeds the width', () => {
  const rows = [
    ['id', 'a long cause that may be cut'],
    ['0123456789', 'x'],
  ];
  const limits = [{}, { widest: 100, narrowest: 8 }];
  expect(tableLines(rows, limits, 80)).toEqual(['id          a long cause that may be cut', '0123456789  x']);
  expect(tableLines(rows, limits, 24)).toEqual(['id          a long caus…', '0123456789  x']);
  expect(tableLines(rows, limits, 15)).toEqual(['id          a …', '0123456789  x']);
});

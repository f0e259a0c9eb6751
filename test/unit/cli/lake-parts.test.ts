import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inBatches } from '../../../cli/common/in-batches.ts';
import { bytesText } from '../../../cli/common/numbers.ts';
import { Failure, UsageError } from '../../../cli/common/options.ts';
import { formatMicros, parseTime } from '../../../cli/common/time.ts';
import { toFilter } from '../../../cli/lake/filter-options.ts';
import { findPlace } from '../../../cli/lake/place.ts';
import { orderKey } from '../../../cli/lake/replay-message.ts';
import { SortedLines } from '../../../cli/lake/sorted-lines.ts';
import { ahead } from '../../../shared/core/ahead.ts';
import { IdSet } from '../../../shared/delta/verify/id-set.ts';
import { idle, manualClock } from '../../helpers/delta.ts';

const NOW = Date.UTC(2026, 10, 21, 12);

describe('times', () => {
  test.each([
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21T10:00:00.000001+02:00', '2026-11-21T08:00:00.000001Z'],
    ['now', '2026-11-21T12:00:00.000Z'],
    ['90s', '2026-11-21T11:58:30.000Z'],
    ['15m', '2026-11-21T11:45:00.000Z'],
    ['2h', '2026-11-21T10:00:00.000Z'],
    ['7d', '2026-11-14T12:00:00.000Z'],
    ['1w', '2026-11-14T12:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(formatMicros(parseTime('since', text, NOW))).toBe(expected);
  });

  test.each([
    '',
    '2026-13-01',
    '2026-11-21 10:00',
    '2026-11-21T10:00:00',
    '10:00',
    '2 h',
    '-2h',
    '1y',
    '1e3s',
  ])('%j is not a time', (text) => expect(() => parseTime('since', text, NOW)).toThrow(UsageError));
});

test('filters: from inclusive, to exclusive, the beginning of an id as a range', () => {
  const filter = toFilter(
    { by: 'publish_time', since: '2h', until: 'now', id: ['ABCDEF0123'], type: ['a', 'b'] },
    NOW,
  );
  expect(filter).toEqual({
    type: { in: ['a', 'b'] },
    event_id: { gte: 'abcdef0123', lt: 'abcdef0123g' },
    publish_time: { gte: BigInt(NOW - 7_200_000) * 1_000n, lt: BigInt(NOW) * 1_000n },
  });
});

describe('location of the table', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'place-'));
    await writeFile(
      join(dir, 'endpoints.json'),
      '{"gcs":"http://127.0.0.1:1","pubsub":"http://127.0.0.1:2"}',
    );
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
  const find = (options: Parameters<typeof findPlace>[0], env: Record<string, string>, localDir: string) => {
    const { url, storage, pubsub, isLocal } = findPlace(options, env, localDir);
    return [url, storage, pubsub, isLocal];
  };
  const local = ['http://127.0.0.1:1', 'http://127.0.0.1:2', true];

  test('a running local cloud comes first', () => {
    expect(find({ cloud: false }, {}, dir)).toEqual(['gs://lake/events', ...local]);
    expect(find({ cloud: false, local: dir }, {}, '/nowhere')).toEqual(['gs://lake/events', ...local]);
  });
  test("the environment's endpoints take precedence over it, and --local over those", () => {
    const env = { STORAGE_API_ENDPOINT: 'http://x', LAKE_BUCKET: 'b-1', LAKE_PATH: 'p/q' };
    expect(find({ cloud: false }, env, dir)).toEqual(['gs://b-1/p/q', 'http://x', undefined, true]);
    expect(find({ cloud: false, local: dir }, env, dir)).toEqual(['gs://b-1/p/q', ...local]);
  });
  test('--cloud is Google, even if a local cloud runs', () => {
    const env = { STORAGE_API_ENDPOINT: 'http://x' };
    expect(find({ cloud: true, table: 'gs://b-1/t/' }, env, dir)).toEqual([
      'gs://b-1/t',
      undefined,
      undefined,
      false,
    ]);
  });
  test('on Google the table must be named', () => {
    expect(() => findPlace({ cloud: false }, {}, '/nowhere')).toThrow(/--table .* must be given/);
  });
  test('endpoints that are no JSON', async () => {
    await writeFile(join(dir, 'endpoints.json'), '{');
    expect(() => findPlace({ cloud: false, local: dir }, {}, dir)).toThrow(Failure);
    await writeFile(join(dir, 'endpoints.json'), '{"vertex":"x"}');
    expect(() => findPlace({ cloud: false, local: dir }, {}, dir)).toThrow(/has no gcs endpoint/);
  });
});

describe('read-ahead', () => {
  async function* numbers(count: number, taken: number[] = []): AsyncGenerator<number> {
    for (let n = 0; n < count; n++) {
      taken.push(n);
      yield n;
    }
  }

  test('results arrive in order, whichever is done first, with bounded concurrency', async () => {
    let running = 0;
    let most = 0;
    const results: number[] = [];
    const work = async (n: number): Promise<number> => {
      most = Math.max(most, ++running);
      await idle(n % 3 === 0 ? 5 : 1);
      running--;
      return n;
    };
    for await (const n of ahead(numbers(20), 4, work)) results.push(n);
    expect(results).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(most).toBe(4);
  });

  test('a heavy item runs alone', async () => {
    let running = 0;
    let most = 0;
    const work = async (n: number): Promise<number> => {
      most = Math.max(most, ++running);
      await idle(1);
      running--;
      return n;
    };
    for await (const _ of ahead(numbers(6), 10, work, () => 10)) void _;
    expect(most).toBe(1);
  });

  test('a result is passed on even if the source has no next item yet', async () => {
    let goOn: () => void = () => {};
    async function* slow(): AsyncGenerator<number> {
      yield 1;
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      yield 2;
    }
    const results = ahead(slow(), 8, async (n) => n);
    expect(await results.next()).toEqual({ done: false, value: 1 });
    goOn();
    expect(await results.next()).toEqual({ done: false, value: 2 });
    expect((await results.next()).done).toBe(true);
  });

  test('a failure is thrown in its turn, and the source is closed', async () => {
    const taken: number[] = [];
    const results = ahead(numbers(100, taken), 3, async (n) => {
      if (n === 1) throw new Error('one');
      return n;
    });
    expect(await results.next()).toEqual({ done: false, value: 0 });
    await expect(results.next()).rejects.toThrow('one');
    expect(taken.length).toBeLessThan(10);
  });

  test('a source that fails', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1;
      throw new Error('source');
    }
    const got: number[] = [];
    const all = async (): Promise<void> => {
      for await (const n of ahead(broken(), 3, async (n) => n)) got.push(n);
    };
    await expect(all()).rejects.toThrow('source');
  });
});

test("a set of ids returns each id's number, after many growths, for digests and other ids", () => {
  const ids = new IdSet();
  const name = (n: number): string => (n % 2 ? n.toString(16).padStart(64, '0') : `plain ${n}`);
  const numbers = Array.from({ length: 20_000 }, (_, n) => n);
  expect(numbers.filter((n) => ids.add(name(n), n) !== undefined)).toEqual([]);
  expect(numbers.filter((n) => ids.add(name(n), 99_999) !== n)).toEqual([]);
});

describe('sorted lines', () => {
  const KEYS = ['m', 'a', 'z', 'c', 'b', 'y', 'd', 'x'];
  test.each([1, 20, 1_000_000])('with %d characters in memory', async (characters) => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('pipeline-replay-'));
    const lines = new SortedLines(characters);
    for (const key of KEYS) await lines.add({ key, text: `${key}: "\u2028 \\n \t漢" ${'-'.repeat(10)}` });
    const sorted: string[] = [];
    for await (const { key, text } of lines.sorted()) {
      expect(text).toBe(`${key}: "\u2028 \\n \t漢" ${'-'.repeat(10)}`);
      sorted.push(key);
    }
    expect(sorted).toEqual([...KEYS].sort());
    expect(lines.count).toBe(8);
    await lines.remove();
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith('pipeline-replay-'));
    expect(after.filter((name) => !before.includes(name) && existsSync(join(tmpdir(), name)))).toEqual([]);
  });

  test('none', async () => {
    for await (const _ of new SortedLines().sorted()) throw new Error('a line');
  });
});

test('events are ordered by publish time; if that is unknown, by ingest time; then by message ids as numbers', () => {
  const at = (seconds: number): bigint => BigInt(Date.UTC(2026, 10, 20, 10, 0, seconds)) * 1_000n;
  const rows = [
    { event_id: 'a', publish_time: at(2), message_id: '9' },
    { event_id: 'b', publish_time: at(1), message_id: '100' },
    { event_id: 'c', publish_time: at(1), message_id: '20' },
    { event_id: 'd', publish_time: null, ingest_time: at(3), message_id: null },
    { event_id: 'e', publish_time: at(1) + 1n, message_id: '1' },
    { event_id: 'f', publish_time: at(1), message_id: '20' },
  ];
  const sorted = rows.sort((a, b) => (orderKey(a) < orderKey(b) ? -1 : 1)).map((row) => row.event_id);
  expect(sorted.join('')).toBe('cfbead');
});

describe('publishing at a rate', () => {
  const lines = (count: number) =>
    (async function* () {
      for (let n = 0; n < count; n++) yield { key: String(n).padStart(5, '0'), text: '{"data":"x"}' };
    })();

  test.each([
    [100, 1_000, 10],
    [5, 20, 4],
    [10_000, 5_000, 0.5],
  ])('%d per second: %d messages take %d s, the first batch none', async (rate, count, seconds) => {
    const clock = manualClock(0);
    const times: number[] = [];
    let done = 0;
    const sleeping = { ...clock, sleep: async (ms: number) => clock.advance(ms) };
    await inBatches(lines(count), {
      rate,
      clock: sleeping,
      signal: new AbortController().signal,
      sizeOf: ({ text }) => text.length,
      send: async ({ length }) => {
        times.push(clock.now());
        done += length;
      },
    });
    expect(done).toBe(count);
    expect(times[0]).toBe(0);
    const last = (times.at(-1) ?? 0) / 1_000;
    expect(last).toBeLessThanOrEqual(seconds);
    expect(last).toBeGreaterThan(seconds * 0.7);
  });

  test('time lost to a slow answer is not made up for', async () => {
    const clock = manualClock(0);
    const times: number[] = [];
    await inBatches(lines(30), {
      rate: 10,
      clock: { ...clock, sleep: async (ms: number) => clock.advance(ms) },
      signal: new AbortController().signal,
      sizeOf: () => 1,
      send: async () => {
        times.push(clock.now());
        if (times.length === 5) clock.advance(60_000);
      },
    });
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
  });

  test('a failure ends it', async () => {
    const told: string[] = [];
    const publishing = inBatches(lines(100), {
      rate: 100,
      clock: { now: () => 0, sleep: async () => {} },
      signal: new AbortController().signal,
      sizeOf: () => 1,
      send: async (batch) => {
        if (told.length === 2) throw new Error('no');
        told.push(`${batch.length} to ${batch.at(-1)?.key}`);
      },
    });
    await expect(publishing).rejects.toThrow('no');
    expect(told).toEqual(['10 to 00009', '10 to 00019']);
  });

  test('a batch ends once it is large enough', async () => {
    const sizes: number[] = [];
    await inBatches(lines(5), {
      rate: 1_000,
      clock: { now: () => 0, sleep: async () => {} },
      signal: new AbortController().signal,
      sizeOf: () => 2_500_000,
      send: async ({ length }) => sizes.push(length),
    });
    expect(sizes).toEqual([2, 2, 1]);
  });
});

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1_000, '1.0 KB'],
  [999_960, '1.0 MB'],
  [12_345_678_901, '12.3 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

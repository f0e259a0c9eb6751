import { describe, expect, test } from 'vitest';
import { DeltaTable } from '../../../shared/delta/index.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import {
  COLUMNS,
  idOf,
  idsIn,
  manualClock,
  memoryBucket,
  newTable,
  rowOf,
  rowsOf,
} from '../../helpers/delta.ts';

const DAY = 86_400_000;

async function namesIn(store: ObjectStore, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list({ prefix })) names.push(name);
  return names;
}

/** A table whose storage and writers share one clock. */
async function timedTable(configuration: Record<string, string> = {}) {
  const clock = manualClock();
  const bucket = memoryBucket(clock.now);
  const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS, configuration, clock });
  return { clock, bucket, table };
}

describe('checkpoint', () => {
  test('holds the state: the commits before it can go', async () => {
    const { bucket, table } = await timedTable();
    for (let i = 0; i < 12; i++) await table.append([rowOf(i)]);
    await table.compact({ idColumn: 'id' });
    const before = await table.snapshot();
    expect(await table.checkpoint()).toMatchObject({ version: 13 });
    for (const name of await namesIn(bucket, 'events/_delta_log/')) {
      if (name.endsWith('.json')) await bucket.delete(name);
    }
    const after = await (await DeltaTable.open(bucket, 'events')).snapshot();
    expect(after.version).toBe(13);
    expect(after.protocol).toEqual(before.protocol);
    expect(after.metadata).toEqual(before.metadata);
    const still = (files: Map<string, object>) =>
      [...files].map(([path, file]) => [path, { ...file, dataChange: false }]);
    expect(still(after.files)).toEqual(still(before.files));
    expect(still(after.tombstones)).toEqual(still(before.tombstones));
  });

  test('drops tombstones that have expired', async () => {
    const { clock, bucket, table } = await timedTable();
    for (let i = 0; i < 4; i++) await table.append([rowOf(i)]);
    await table.compact();
    clock.advance(7 * DAY + 1);
    await table.checkpoint();
    const reread = await (await DeltaTable.open(bucket, 'events')).snapshot();
    expect([reread.files.size, reread.tombstones.size]).toEqual([1, 0]);
  });

  test('the hint is only a hint: missing, broken, too new, too old, or of a checkpoint that is gone', async () => {
    const { bucket, table } = await timedTable();
    for (let i = 0; i < 3; i++) await table.append([rowOf(i)]);
    await table.checkpoint();
    await table.append([rowOf('tail')]);
    const hint = 'events/_delta_log/_last_checkpoint';
    for (const body of [
      '{"version":3,"size":5}',
      '{"version":99}',
      '{"version":-1}',
      '{"version":1}',
      '{"ver',
      '[]',
      '',
      undefined,
    ]) {
      await bucket.delete(hint);
      if (body !== undefined) await bucket.putIfAbsent(hint, Buffer.from(body));
      expect((await (await DeltaTable.open(bucket, 'events')).snapshot()).version).toBe(4);
      expect(await idsIn(bucket)).toHaveLength(4);
    }
    await bucket.delete('events/_delta_log/00000000000000000003.checkpoint.parquet');
    await bucket.putIfAbsent(hint, Buffer.from('{"version":3}'));
    expect(await idsIn(bucket)).toHaveLength(4);
  });

  test('a damaged one is skipped', async () => {
    const { bucket, table } = await timedTable();
    await table.append([rowOf(1)]);
    await bucket.putIfAbsent(
      'events/_delta_log/00000000000000000001.checkpoint.parquet',
      Buffer.from('not parquet at all'),
    );
    expect(await idsIn(bucket)).toHaveLength(1);
  });

  test('one in parts counts only if all parts exist', async () => {
    const { bucket, table } = await timedTable();
    for (let i = 0; i < 2; i++) await table.append([rowOf(i)]);
    await table.checkpoint();
    const whole =
      (await bucket.get('events/_delta_log/00000000000000000002.checkpoint.parquet'))?.body ??
      new Uint8Array();
    await bucket.delete('events/_delta_log/00000000000000000002.checkpoint.parquet');
    const part = (n: number): string =>
      `events/_delta_log/00000000000000000002.checkpoint.000000000${n}.0000000002.parquet`;
    await bucket.putIfAbsent(part(1), whole);
    expect(await idsIn(bucket)).toHaveLength(2);
    // every part has all actions, because adds reconcile by path
    await bucket.putIfAbsent(part(2), whole);
    for (const version of [0, 1, 2])
      await bucket.delete(`events/_delta_log/0000000000000000000${version}.json`);
    expect(await idsIn(bucket)).toHaveLength(2);
    await bucket.delete(part(2));
    await expect(DeltaTable.open(bucket, 'events')).rejects.toMatchObject({ code: 'table-not-found' });
  });
});

describe('vacuum', () => {
  test('leaves a table inside this one alone, with everything below it', async () => {
    const { clock, bucket, table } = await timedTable();
    const inner = await DeltaTable.create(bucket, 'events/dead-letters', { columns: COLUMNS, clock });
    await inner.append([rowOf('inner')]);
    await bucket.putIfAbsent('events/dead-letters/Z/deeper.parquet', Buffer.from('x'));
    await bucket.putIfAbsent('events/plain/old.parquet', Buffer.from('x'));
    clock.advance(8 * DAY);
    expect((await table.vacuum()).files).toEqual(['plain/old.parquet']);
    expect(await idsIn(bucket, 'events/dead-letters')).toEqual([idOf('inner')]);
    expect(await namesIn(bucket)).toContain('events/dead-letters/Z/deeper.parquet');
  });

  test('refuses a table whose folder is the whole bucket', async () => {
    const bucket = memoryBucket();
    const table = await DeltaTable.create(bucket, '/', { columns: COLUMNS });
    await expect(table.vacuum({ dryRun: true })).rejects.toMatchObject({ code: 'unsupported-table' });
  });

  test('spares what is live, removed within 7 days or written within 7 days, and hidden names', async () => {
    const { clock, bucket, table } = await timedTable();
    for (let i = 0; i < 4; i++) await table.append([rowOf(i)]);
    const removed = [...(await table.snapshot()).files.keys()].sort();
    const old = [
      'events/part-orphan.parquet',
      'events/_id_index/id/1.bin',
      'events/.hidden',
      'events/a/_b/c',
    ];
    for (const name of old) await bucket.putIfAbsent(name, Buffer.from('x'));
    clock.advance(6 * DAY);
    await table.compact();
    await bucket.putIfAbsent('events/part-young.parquet', Buffer.from('x'));
    clock.advance(DAY + 1);
    expect(await table.vacuum({ dryRun: true })).toMatchObject({
      files: ['part-orphan.parquet'],
      bytes: 1,
      isComplete: true,
    });
    expect(await namesIn(bucket)).toContain('events/part-orphan.parquet');
    await table.vacuum();
    expect(await namesIn(bucket)).not.toContain('events/part-orphan.parquet');
    clock.advance(6 * DAY);
    expect((await table.vacuum()).files.sort()).toEqual([...removed, 'part-young.parquet'].sort());
    expect(await idsIn(bucket)).toHaveLength(4);
    const kept = await namesIn(bucket);
    expect(kept).toEqual(expect.arrayContaining(old.slice(1)));
  });

  test('a retention shorter than 7 days is not accepted, a longer one is', async () => {
    for (const [retention, deletes] of [
      ['interval 0 hours', 4],
      ['interval 2 weeks', 0],
      // not understood, so nothing is deleted
      ['interval 1 year', 0],
      ['interval 0 years', 0],
      ['a while', 0],
    ] as const) {
      const { clock, table } = await timedTable({ 'delta.deletedFileRetentionDuration': retention });
      for (let i = 0; i < 4; i++) await table.append([rowOf(i)]);
      await table.compact();
      clock.advance(7 * DAY - 1);
      expect((await table.vacuum()).files).toHaveLength(0);
      clock.advance(2);
      expect((await table.vacuum()).files).toHaveLength(deletes);
    }
  });

  test('stops when its time is up, and continues with the next call', async () => {
    const { clock, bucket, table } = await timedTable();
    for (let i = 0; i < 200; i++) await bucket.putIfAbsent(`events/part-${i}`, Buffer.from('x'));
    clock.advance(8 * DAY);
    const slow: ObjectStore = {
      ...bucket,
      delete(name, options) {
        clock.advance(10);
        return bucket.delete(name, options);
      },
    };
    const vacuuming = await DeltaTable.open(slow, 'events', { clock });
    const first = await vacuuming.vacuum({ maxMs: 500 });
    expect(first.isComplete).toBe(false);
    expect(first.files.length).toBeLessThan(200);
    await table.vacuum();
    expect(await namesIn(bucket, 'events/part-')).toEqual([]);
  });
});

describe('log clean-up', () => {
  test('keeps the newest checkpoint at or before the cutoff and everything after it', async () => {
    const { clock, bucket, table } = await timedTable();
    for (let version = 1; version <= 9; version++) {
      await table.append([rowOf(version)]);
      if (version % 3 === 0) await table.checkpoint();
      clock.advance(DAY);
    }
    // version v was written on day v-1: on day 36 the cutoff is day 6, that of version 7
    clock.advance(27 * DAY);
    expect(await table.cleanUpLog({ dryRun: true })).toEqual({ deleted: 7, oldestKept: 6, isComplete: true });
    expect(await table.cleanUpLog()).toEqual({ deleted: 7, oldestKept: 6, isComplete: true });
    const versions = (await namesIn(bucket, 'events/_delta_log/0')).map((name) =>
      name.slice(36).replace(/^0+/, ''),
    );
    expect(versions).toEqual([
      '6.checkpoint.parquet',
      '6.json',
      '7.json',
      '8.json',
      '9.checkpoint.parquet',
      '9.json',
    ]);
    for (const version of [6, 7, 8, 9]) expect((await table.snapshot({ version })).files.size).toBe(version);
    await expect(table.snapshot({ version: 5 })).rejects.toMatchObject({ code: 'version-not-found' });
    expect(await table.cleanUpLog()).toMatchObject({ deleted: 0 });
  });

  test('without a checkpoint that is old enough nothing is deleted', async () => {
    const { clock, table } = await timedTable();
    await table.append([rowOf(1)]);
    clock.advance(100 * DAY);
    await table.append([rowOf(2)]);
    await table.checkpoint();
    expect(await table.cleanUpLog()).toEqual({ deleted: 0, oldestKept: undefined, isComplete: true });
  });
});

describe('compaction', () => {
  test('sorts by id, joins small files, and reports what it did', async () => {
    const { bucket, table } = await timedTable();
    for (let i = 0; i < 6; i++) await table.append(rowsOf('r', 100, i * 100));
    const before = await idsIn(bucket);
    expect(await table.compact({ idColumn: 'id' })).toMatchObject({
      rewrites: 1,
      filesRemoved: 6,
      filesAdded: 1,
      rows: 600,
      isComplete: true,
    });
    const ids: unknown[] = [];
    for await (const rows of table.scan({ columns: ['id'] })) for (const { id } of rows) ids.push(id);
    expect(ids).toEqual(before);
    const [add] = (await table.snapshot()).files.values();
    expect(add).toMatchObject({ dataChange: false, tags: { sortedBy: 'id' } });
    expect(await table.compact({ idColumn: 'id' })).toMatchObject({ rewrites: 0 });
  });

  test('already sorted files are merged without sorting, in bounded steps', async () => {
    const { bucket, table } = await timedTable();
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 4; i++) await table.append(rowsOf(`r${round}-`, 50, i * 50));
      await table.compact({ idColumn: 'id', maxSortedRows: 200 });
    }
    const { files } = await table.snapshot();
    expect(files.size).toBe(1);
    expect(await idsIn(bucket)).toHaveLength(800);
    expect((await table.history({ limit: 1 }))[0]).toMatchObject({
      operation: 'OPTIMIZE',
      filesRemoved: 4,
      filesAdded: 1,
      rowsAdded: 800,
    });
  });

  test('continues after concurrent appends', async () => {
    const { bucket, table } = await timedTable();
    for (let i = 0; i < 4; i++) await table.append([rowOf(i)]);
    const busy: ObjectStore = {
      ...bucket,
      async putIfAbsent(name, body, options) {
        if (name.endsWith('5.json')) await table.append([rowOf('meanwhile')]);
        return bucket.putIfAbsent(name, body, options);
      },
    };
    const compacting = await DeltaTable.open(busy, 'events');
    expect(await compacting.compact({ idColumn: 'id' })).toMatchObject({ rewrites: 1, conflict: undefined });
    expect(await idsIn(bucket)).toHaveLength(5);
    expect((await table.snapshot()).version).toBe(6);
  });

  test('two compactions race: one wins, the other gives up, and no row is lost or doubled', async () => {
    const { bucket, table } = await timedTable();
    for (let i = 0; i < 8; i++) await table.append(rowsOf('r', 10, i * 10));
    const others = await Promise.all([1, 2, 3].map(() => DeltaTable.open(bucket, 'events')));
    const outcomes = await Promise.all(others.map((other) => other.compact({ idColumn: 'id' })));
    expect(outcomes.filter(({ rewrites }) => rewrites === 1)).toHaveLength(1);
    expect(outcomes.filter(({ conflict }) => conflict === 'input-removed')).toHaveLength(2);
    const ids = await idsIn(bucket);
    expect([ids.length, new Set(ids).size]).toEqual([80, 80]);
  });

  test('at its time limit it leaves the rest for the next call', async () => {
    const { clock, bucket } = await timedTable();
    const slow: ObjectStore = {
      ...bucket,
      getRange(name, offset, length) {
        clock.advance(100);
        return bucket.getRange(name, offset, length);
      },
    };
    const table = await DeltaTable.open(slow, 'events', { clock });
    for (let i = 0; i < 12; i++) await table.append(rowsOf('r', 10, i * 10));
    const first = await table.compact({ idColumn: 'id', maxSortedRows: 40, maxMs: 150 });
    expect(first).toMatchObject({ rewrites: 1, isComplete: false });
    expect(await table.compact({ idColumn: 'id', maxSortedRows: 40 })).toMatchObject({ isComplete: true });
    expect(await idsIn(bucket)).toHaveLength(120);
  });
});

describe('time travel and history', () => {
  test('by version and by time', async () => {
    const { clock, table } = await timedTable();
    const start = clock.now();
    for (let version = 1; version <= 20; version++) {
      clock.advance(1_000);
      await table.append([rowOf(version)]);
    }
    expect((await table.snapshot({ version: 7 })).files.size).toBe(7);
    const at = async (ms: number) => (await table.snapshot({ asOf: new Date(start + ms) })).version;
    expect([await at(0), await at(999), await at(1_000), await at(13_500), await at(1e9)]).toEqual([
      0, 0, 1, 13, 20,
    ]);
    await expect(at(-1)).rejects.toMatchObject({ code: 'version-not-found' });
    await expect(table.snapshot({ version: 21 })).rejects.toMatchObject({ code: 'version-not-found' });
  });

  test('history lists operations, rows and files, newest first', async () => {
    const { table } = await timedTable();
    await table.append(rowsOf('r', 3));
    await table.addColumns([{ name: 'x', type: 'long' }]);
    const entries = await table.history();
    expect(entries.map(({ version, operation, rowsAdded }) => [version, operation, rowsAdded])).toEqual([
      [2, 'ADD COLUMNS', 0],
      [1, 'WRITE', 3],
      [0, 'CREATE TABLE', 0],
    ]);
    expect(await table.history({ limit: 1 })).toHaveLength(1);
  });
});

test('a table at the root of a store works as well', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket, '');
  await table.append([rowOf(1)]);
  await table.checkpoint();
  expect(await idsIn(bucket, '')).toHaveLength(1);
});

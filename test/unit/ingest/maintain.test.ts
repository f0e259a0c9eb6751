import { expect, test } from 'vitest';
import { type Maintained, maintainTable } from '../../../functions/maintain/maintain-table.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { collectRows, DeltaTable } from '../../../shared/delta/index.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore, Storage } from '../../../shared/storage/object-store.ts';
import { openEventsTable } from '../../helpers/events-table.ts';

const DAY = 86_400_000;

async function tableOf(storage: Storage, commits: number): Promise<DeltaTable> {
  const table = await openEventsTable(storage.bucket('lake'), 'events');
  for (let commit = 0; commit < commits; commit++)
    await table.append([{ event_id: `e-${commit}`, data: '{}' }]);
  return table;
}

function run(
  storage: Storage,
  options: { maxMs?: number; now?: () => number; signal?: AbortSignal; lake?: ObjectStore } = {},
): Promise<Maintained> {
  return maintainTable({
    lake: options.lake ?? storage.bucket('lake'),
    path: 'events',
    idColumn: 'event_id',
    state: storage.bucket('state'),
    maxMs: options.maxMs ?? 60_000,
    clock: { now: options.now ?? systemClock.now, sleep: systemClock.sleep },
    signal: options.signal ?? new AbortController().signal,
  });
}

async function names(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list({ prefix })) found.push(name);
  return found;
}

test('many small files become one, with a checkpoint, and the same rows', async () => {
  const storage = createMemoryStorage();
  const table = await tableOf(storage, 12);
  const done = await run(storage);
  expect(done).toMatchObject({
    outcome: 'maintained',
    isComplete: true,
    compaction: { rewrites: 1, filesRemoved: 12, filesAdded: 1, rows: 12 },
    checkpoint: { version: 13 },
    vacuum: { files: 0 },
  });
  const ids = (await collectRows(table.scan())).map((row) => row['event_id']).sort();
  expect(ids).toEqual(Array.from({ length: 12 }, (_, index) => `e-${index}`).sort());
  expect(await names(storage.bucket('state'), 'maintenance/')).toEqual([]);
});

test('weeks later, files and log entries that no version needs are gone', async () => {
  const storage = createMemoryStorage();
  const table = await tableOf(storage, 12);
  await run(storage);
  const later = await run(storage, { now: () => Date.now() + 40 * DAY });
  expect(later).toMatchObject({ vacuum: { files: 12 }, cleanup: { oldestKept: 13 } });
  expect((await names(storage.bucket('lake'), 'events/part-')).length).toBe(1);
  expect((await names(storage.bucket('lake'), 'events/_delta_log/')).length).toBeLessThan(5);
  expect(await collectRows(table.scan())).toHaveLength(12);
});

test('two concurrent runs: one works, the other is busy', async () => {
  const storage = createMemoryStorage();
  await tableOf(storage, 8);
  const outcomes = await Promise.all([run(storage), run(storage)]);
  expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['busy', 'maintained']);
});

test('the lease of a dead run expires', async () => {
  const storage = createMemoryStorage();
  await tableOf(storage, 8);
  const lease = Buffer.from(JSON.stringify({ owner: 'dead', expiresAt: Date.now() + 60_000 }));
  await storage.bucket('state').putIfAbsent('maintenance/lake/events/lease.json', lease);
  expect(await run(storage)).toMatchObject({ outcome: 'busy' });
  expect(await run(storage, { now: () => Date.now() + 61_000 })).toMatchObject({ outcome: 'maintained' });
});

test('without time left no step is begun, and the next run does it', async () => {
  const storage = createMemoryStorage();
  await tableOf(storage, 8);
  let now = Date.now();
  // each read of the clock costs a second
  const slow = await run(storage, {
    maxMs: 1_000,
    now: () => {
      now += 1_000;
      return now;
    },
  });
  expect(slow).toMatchObject({ outcome: 'maintained', isComplete: false, compaction: { rewrites: 0 } });
  expect(await run(storage, { now: () => now + 120_000 })).toMatchObject({ compaction: { rewrites: 1 } });
});

test('a failed step does not stop the others', async () => {
  const storage = createMemoryStorage();
  await tableOf(storage, 8);
  const lake = storage.bucket('lake');
  const done = await run(storage, {
    lake: {
      ...lake,
      putIfAbsent: (name, body, options) =>
        name.endsWith('.zstd.parquet') || name.endsWith('.snappy.parquet')
          ? Promise.reject(new Error('no room'))
          : lake.putIfAbsent(name, body, options),
    },
  });
  expect(done.compaction).toEqual({ failed: expect.stringContaining('no room') });
  expect(done).toMatchObject({ checkpoint: { version: 8 }, isComplete: false });
  expect(String(done.error)).toContain('no room');
});

test('without a table there is nothing to do', async () => {
  expect(await run(createMemoryStorage())).toEqual({ outcome: 'no-table', isComplete: true });
});

test('missing columns are added, by any number of concurrent instances', async () => {
  const store = createMemoryStorage().bucket('lake');
  const old = [{ name: 'event_id', type: 'string', nullable: false }] as const;
  const table = await DeltaTable.create(store, 'events', { columns: old });
  await table.append([{ event_id: 'before' }]);
  await Promise.all(Array.from({ length: 4 }, () => openEventsTable(store, 'events')));
  const { fields, version } = await table.snapshot();
  expect(fields.map(({ name }) => name)).toContain('publish_time');
  expect(version).toBe(2);
  expect(await collectRows(table.scan())).toMatchObject([{ event_id: 'before', data: null }]);
});

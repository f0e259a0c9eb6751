import { expect, test } from 'vitest';
import {
  DeltaTable,
  eraseRows,
  type Row,
  type Snapshot,
  UniqueAppender,
} from '../../../shared/delta/index.ts';
import { decodeDataPath } from '../../../shared/delta/log/paths.ts';
import { loadSnapshot } from '../../../shared/delta/snapshot/snapshot.ts';
import { storedRow } from '../../../shared/delta/unique/batch-committer.ts';
import { type BatchFile, uploadBatch } from '../../../shared/delta/unique/batch-file.ts';
import { fingerprintsOf } from '../../../shared/delta/unique/id-fingerprint.ts';
import { IdTracker } from '../../../shared/delta/unique/id-tracker.ts';
import { Offers, takeable } from '../../../shared/delta/unique/offers.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { faultyStore, hastyClock, idOf, memoryBucket, newTable, rowOf, rowsOf } from '../../helpers/delta.ts';

const clock = hastyClock();
const location = (store: ObjectStore) => ({ store, path: 'events' });

/** A file with these rows, offered at the snapshot's version. */
async function offer(
  store: ObjectStore,
  rows: readonly Row[],
  options: { formerIds?: string[]; snapshot?: Snapshot } = {},
): Promise<BatchFile> {
  const { snapshot = await loadSnapshot(location(store)), formerIds } = options;
  const pending = rows.map((row) => ({
    id: String(row['id']),
    formerIds,
    row,
    ...storedRow(snapshot.fields, row),
    arrived: 0,
    waiters: new Set<never>(),
  }));
  const terms = { clock, idColumn: 'id', offerAt: snapshot.version, wasAlone: false };
  return uploadBatch(location(store), snapshot, pending, terms);
}

/** Paths of the offers that a writer with a file of its own would commit with it. */
async function taken(store: ObjectStore, own: BatchFile, tracker?: IdTracker): Promise<string[]> {
  const reader = tracker ?? (await IdTracker.open(location(store), 'id'));
  const listed = await new Offers(location(store), clock).list(reader);
  return takeable(listed, reader, own, 'id').map(({ add }) => add.path);
}

test('the offered file says all that a commit and a check of its ids need', async () => {
  const bucket = memoryBucket();
  await newTable(bucket);
  const tracker = await IdTracker.open(location(bucket), 'id');
  for (const count of [3, 400, 401, 2_000]) {
    const file = await offer(bucket, [
      ...rowsOf(`é-${count}-`, count - 1),
      { ...rowOf(`${count}`), note: 'ünï\u{1f600}' },
    ]);
    const listed = await new Offers(location(bucket), clock).list(tracker);
    const found = listed.find(({ add }) => add.path === file.add.path);
    expect(file.isOffered).toBe(true);
    expect(found?.add).toEqual(file.add);
    expect(found?.ids).toEqual(fingerprintsOf(file.rows.map(({ id }) => id)));
  }
});

test('offers with ids of their own are taken in, oldest first', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  const tracker = await IdTracker.open(location(bucket), 'id');
  const first = await offer(bucket, [rowOf('a')]);
  await table.append([rowOf('b')]);
  const second = await offer(bucket, [rowOf('c')]);
  const own = await offer(bucket, [rowOf('own')]);
  await tracker.catchUp();
  expect(await taken(bucket, own, tracker)).toEqual([first.add.path, second.add.path]);
  // one that opened the table later does not know what was deleted before
  expect(await taken(bucket, own)).toEqual([second.add.path]);
});

test.each([
  ['an id that the table has', { rows: [rowOf('old'), rowOf('x')] }],
  ['an id of the same commit', { rows: [rowOf('own')] }],
  ['a former id that the table has', { rows: [rowOf('x')], formerIds: [idOf('old')] }],
  ['a former id of the same commit', { rows: [rowOf('x')], formerIds: [idOf('own')] }],
  ['an id twice', { rows: [rowOf('x'), rowOf('x')] }],
])(
  'an offer with %s is left to its owner',
  async (_, { rows, formerIds }: { rows: Row[]; formerIds?: string[] }) => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    await table.append([rowOf('old')]);
    const own = await offer(bucket, [rowOf('own')]);
    const good = await offer(bucket, [rowOf('good')]);
    await offer(bucket, rows, formerIds ? { formerIds } : {});
    expect(await taken(bucket, own)).toEqual([good.add.path]);
  },
);

test('of two offers with one id, one is taken in', async () => {
  const bucket = memoryBucket();
  await newTable(bucket);
  const own = await offer(bucket, [rowOf('own')]);
  await offer(bucket, [rowOf('a'), rowOf('b')]);
  await offer(bucket, [rowOf('b'), rowOf('c')]);
  expect(await taken(bucket, own)).toHaveLength(1);
});

test('an offer from before a deletion is left to its owner: its rows may be among the deleted', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  const tracker = await IdTracker.open(location(bucket), 'id');
  const committed = await offer(bucket, [rowOf('a')]);
  // as its owner does, or another writer; then the rows are erased
  const body = Buffer.from(`${JSON.stringify({ add: committed.add })}\n`);
  await bucket.putIfAbsent('events/_delta_log/00000000000000000001.json', body);
  await eraseRows(table, { id: { eq: idOf('a') } }, { reason: 'test' });
  // its owner found `a` in the table, answered it as a duplicate and offered the rest again
  const abandoned = await offer(bucket, [rowOf('a'), rowOf('b')], {
    snapshot: await loadSnapshot(location(bucket), 0),
  });
  const own = await offer(bucket, [rowOf('own')]);
  await tracker.catchUp();
  expect(abandoned.isOffered).toBe(true);
  expect(await taken(bucket, own, tracker)).toEqual([]);
  const fresh = await offer(bucket, [rowOf('c')]);
  expect(await taken(bucket, own, tracker)).toEqual([fresh.add.path]);
});

test('an offer with other columns, of another table or with damaged metadata is not one', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  const tracker = await IdTracker.open(location(bucket), 'id');
  await offer(bucket, [rowOf('before')]);
  await table.addColumns([{ name: 'more', type: 'string' }]);
  await DeltaTable.create(bucket, 'events/inner', {
    columns: [{ name: 'id', type: 'string', nullable: false }],
  });
  const own = await offer(bucket, [rowOf('own')]);
  const good = await offer(bucket, [rowOf('good')]);
  const [stored] = await Promise.all([bucket.get(`events/${good.add.path}`)]);
  const text = stored?.facts.metadata['delta-offer'] ?? '';
  const damaged = [
    '',
    '{',
    '[]',
    'null',
    text.slice(0, -9),
    text.replace(/"ids":"[^"]{8}/, '"ids":"'),
    text.replace('numRecords', 'x'),
  ];
  for (const [index, one] of damaged.entries()) {
    const name = good.add.path.replace(/-[0-9a-f]{8}-/, `-0000000${index}-`);
    await bucket.putIfAbsent(`events/${name}`, stored?.body ?? new Uint8Array(), {
      metadata: { 'delta-offer': one },
    });
  }
  await tracker.catchUp();
  expect(await taken(bucket, own, tracker)).toEqual([good.add.path]);
});

test('an offer that was listed before the columns changed is not taken after it', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  const tracker = await IdTracker.open(location(bucket), 'id');
  const early = await offer(bucket, [rowOf('a')]);
  const own = await offer(bucket, [rowOf('own')]);
  const listed = await new Offers(location(bucket), clock).list(tracker);
  expect(takeable(listed, tracker, own, 'id').map(({ add }) => add.path)).toEqual([early.add.path]);
  await table.addColumns([{ name: 'more', type: 'string' }]);
  await tracker.catchUp();
  expect(takeable(listed, tracker, own, 'id')).toEqual([]);
});

test('storage that fails while offers are listed costs only the offers', async () => {
  const bucket = memoryBucket();
  await newTable(bucket);
  const tracker = await IdTracker.open(location(bucket), 'id');
  const list = (): never => {
    throw new Error('503');
  };
  const store = { ...bucket, list };
  expect(await new Offers(location(store), clock).list(tracker)).toEqual([]);
});

test('an appender alone offers nothing and lists nothing', async () => {
  const bucket = memoryBucket();
  await newTable(bucket);
  let listings = 0;
  const requests: string[] = [];
  const store = faultyStore(bucket, (operation, name) => {
    requests.push(operation === 'put' && name.endsWith('.parquet') ? name : operation);
    return 'ok';
  });
  const counted = {
    ...store,
    list: (...args: Parameters<ObjectStore['list']>) => {
      listings++;
      return store.list(...args);
    },
  };
  const writer = await UniqueAppender.open(location(counted), { idColumn: 'id', maxAgeMs: 0 });
  listings = requests.length = 0;
  for (let i = 0; i < 5; i++) await writer.submit(rowOf(i));
  expect(listings).toBe(0);
  expect(requests.filter((one) => one === 'put')).toHaveLength(5);
  const files = requests.filter((one) => one.endsWith('.parquet'));
  expect(files).toHaveLength(5);
  for (const name of files) {
    expect(name).toMatch(/part-00000-/);
    expect((await bucket.stat(name))?.metadata).toEqual({});
  }
  await writer.close();
});

test('vacuum keeps an offered file for a week, then deletes it if nobody has committed it', async () => {
  let now = Date.UTC(2026, 0, 1);
  const bucket = memoryBucket(() => now);
  const table = await newTable(bucket);
  const file = await offer(bucket, [rowOf('a')]);
  const old = { now: () => now, sleep: async () => {} };
  now += 6 * 86_400_000;
  expect((await table.vacuum({ clock: old })).files).toEqual([]);
  now += 2 * 86_400_000;
  expect((await table.vacuum({ clock: old })).files).toEqual([decodeDataPath(file.add.path)]);
});

test('in an idle table, a file that vacuum may be deleting is not taken', async () => {
  const bucket = memoryBucket();
  await newTable(bucket);
  const tracker = await IdTracker.open(location(bucket), 'id');
  const file = await offer(bucket, [rowOf('a')]);
  expect(await new Offers(location(bucket), clock).list(tracker)).toHaveLength(1);
  const nextWeek = { ...clock, now: () => Date.now() + 7 * 86_400_000 };
  expect(await new Offers(location(bucket), nextWeek).list(tracker)).toEqual([]);
  expect(file.isOffered).toBe(true);
});

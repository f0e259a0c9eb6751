import { afterEach, describe, expect, test } from 'vitest';
import { DeltaTable, eraseRows, UniqueAppender } from '../../../shared/delta/index.ts';
import { readCommit } from '../../../shared/delta/log/commit.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import {
  faultyStore,
  hastyClock,
  heldPuts,
  idOf,
  idsIn,
  memoryBucket,
  newTable,
  rowsOf,
} from '../../helpers/delta.ts';

const REASON = { reason: 'request 7' };
const open: UniqueAppender[] = [];

async function appender(store: ObjectStore): Promise<UniqueAppender> {
  const { location } = await DeltaTable.open(store, 'events');
  const made = await UniqueAppender.open(location, { idColumn: 'id', maxAgeMs: 0, clock: hastyClock() });
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()));
});

const idsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => idOf(`${prefix}${index}`));
const sorted = (...ids: string[][]): string[] => ids.flat().sort();

/** A table of three files: a and b with ten rows each, c with one. */
async function threeFiles(): Promise<{ bucket: ObjectStore; table: DeltaTable }> {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  for (const [prefix, count] of [
    ['a', 10],
    ['b', 10],
    ['c', 1],
  ] as const)
    await table.append(rowsOf(prefix, count));
  return { bucket, table };
}

describe('erasing rows', () => {
  test('rewrites the files that hold them in one commit, and leaves the others as they are', async () => {
    const { bucket, table } = await threeFiles();
    const before = [...(await table.snapshot()).files.keys()];
    const outcome = await eraseRows(table, { id: { in: [idOf('a3'), idOf('a4'), idOf('nobody')] } }, REASON);
    expect(outcome).toMatchObject({ rows: 2, files: 1, rowsCopied: 8, versions: [4], isComplete: true });
    const after = [...(await table.snapshot()).files.keys()];
    expect(after.slice(0, 2)).toEqual(before.slice(1));
    expect(after).toHaveLength(3);
    const left = idsOf('a', 10).filter((id) => id !== idOf('a3') && id !== idOf('a4'));
    expect(await idsIn(bucket)).toEqual(sorted(left, idsOf('b', 10), idsOf('c', 1)));
    // older versions still show the rows until vacuum
    expect((await table.snapshot({ version: 3 })).files.size).toBe(3);
  });

  test('a file all of whose rows are erased is removed without a replacement', async () => {
    const { bucket, table } = await threeFiles();
    const outcome = await eraseRows(table, { note: { eq: 'row c0' } }, REASON);
    expect(outcome).toMatchObject({ rows: 1, files: 1, rowsCopied: 0, bytesWritten: 0 });
    expect(await idsIn(bucket)).toEqual(sorted(idsOf('a', 10), idsOf('b', 10)));
  });

  test('the commit says what was done, why and by whom, with no value of the filter', async () => {
    const { table } = await threeFiles();
    await eraseRows(
      table,
      { note: { in: ['row a1', 'row b1'] }, n: { gte: 2n } },
      { ...REASON, by: 'me@here' },
    );
    const commit = await readCommit(table.location, 4);
    expect(commit?.commitInfo).toMatchObject({
      operation: 'DELETE',
      operationParameters: { predicate: '["note in (2 values) and n >= (1 value)"]' },
      operationMetrics: {
        numRemovedFiles: '2',
        numAddedFiles: '2',
        numDeletedRows: '2',
        numCopiedRows: '18',
      },
      reason: 'request 7',
      userName: 'me@here',
      isBlindAppend: false,
    });
    expect(JSON.stringify(commit?.commitInfo)).not.toContain('row a1');
    expect(commit?.adds.every(({ dataChange }) => dataChange)).toBe(true);
    expect(commit?.removes.every(({ dataChange }) => dataChange)).toBe(true);
  });

  test('a dry run counts and writes nothing; no match makes no commit', async () => {
    const { bucket, table } = await threeFiles();
    const names = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { name } of bucket.list()) found.push(name);
      return found;
    };
    const before = await names();
    const filter = { id: { in: [idOf('a3'), idOf('b4')] } };
    expect(await eraseRows(table, filter, { ...REASON, dryRun: true })).toMatchObject({ rows: 2, files: 2 });
    expect(await eraseRows(table, { id: { eq: 'nobody' } }, REASON)).toMatchObject({ rows: 0, versions: [] });
    expect(await names()).toEqual(before);
  });

  test.each([[{}], [{ id: {} }]])('a filter that matches every row is refused: %j', async (filter) => {
    const { table } = await threeFiles();
    await expect(eraseRows(table, filter, REASON)).rejects.toMatchObject({ code: 'schema-mismatch' });
  });

  test('a sorted file stays sorted, with its bloom filters, and compaction finds it as before', async () => {
    const { bucket, table } = await threeFiles();
    await table.append(rowsOf('d', 10));
    await table.compact({ idColumn: 'id' });
    await eraseRows(table, { id: { eq: idOf('a3') } }, REASON);
    const [file] = (await table.snapshot()).files.values();
    expect(file?.tags).toEqual({ sortedBy: 'id' });
    expect(await table.compact({ idColumn: 'id', minFiles: 2 })).toMatchObject({ rewrites: 0 });
    expect(await idsIn(bucket)).toHaveLength(30);
  });
});

describe('erasing beside writers', () => {
  test('an appender knows at once which ids are gone, without reading a whole file', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const reads: string[] = [];
    const watched = faultyStore(bucket, (operation, name) => {
      if (operation === 'getRange') reads.push(name);
      return 'ok';
    });
    const writer = await appender(watched);
    await Promise.all(rowsOf('a', 10).map((row) => writer.submit(row)));
    await eraseRows(table, { id: { eq: idOf('a3') } }, REASON);
    expect((await writer.submit(rowsOf('z', 1)[0] ?? {})).kind).toBe('added');
    expect(reads).toEqual([]);
    const again = await Promise.all(rowsOf('a', 10).map((row) => writer.submit(row)));
    expect(again.map(({ kind }) => kind)).toEqual(
      Array.from({ length: 10 }, (_, index) => (index === 3 ? 'added' : 'duplicate')),
    );
    expect(await idsIn(bucket)).toEqual(sorted(idsOf('a', 10), idsOf('z', 1)));
  });

  test('a cold start after the erasure of a file that was never indexed reads its replacement', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const first = await appender(bucket);
    await first.submit(rowsOf('z', 1)[0] ?? {});
    await first.saveIndex({ force: true });
    // this commit has no fingerprints, and its file is gone before anybody indexed it
    await table.append(rowsOf('a', 10));
    await eraseRows(table, { id: { eq: idOf('a3') } }, REASON);
    const late = await appender(bucket);
    const again = await Promise.all(rowsOf('a', 10).map((row) => late.submit(row)));
    expect(again.filter(({ kind }) => kind === 'added')).toHaveLength(1);
    expect(await idsIn(bucket)).toEqual(sorted(idsOf('a', 10), idsOf('z', 1)));
  });

  test('appends between scan and commit are no conflict; matching rows among them are erased, too', async () => {
    const { bucket, table } = await threeFiles();
    const held = heldPuts(bucket, '4.json');
    const erasing = eraseRows(
      await DeltaTable.open(held.store, 'events'),
      { note: { in: ['row a1', 'row late1'] } },
      REASON,
    );
    await held.reached;
    await table.append(rowsOf('late', 3));
    await table.append(rowsOf('more', 3));
    held.release();
    expect(await erasing).toMatchObject({ rows: 2, versions: [6, 7], isComplete: true });
    expect(await idsIn(bucket)).toHaveLength(21 + 6 - 2);
    expect(await idsIn(bucket)).not.toContain(idOf('late1'));
  });

  test('if a compaction replaces an input, it scans the new file, and only that one', async () => {
    const { bucket, table } = await threeFiles();
    await table.append(rowsOf('d', 10));
    const held = heldPuts(bucket, '5.json');
    const reads: string[] = [];
    const slow = faultyStore(held.store, (operation, name) => {
      if (operation === 'getRange') reads.push(name);
      return 'ok';
    });
    const erasing = eraseRows(await DeltaTable.open(slow, 'events'), { id: { eq: idOf('a3') } }, REASON);
    await held.reached;
    const before = reads.length;
    await table.compact({ idColumn: 'id' });
    held.release();
    expect(await erasing).toMatchObject({ rows: 1, files: 1, versions: [6], isComplete: true });
    expect(new Set(reads.slice(before)).size).toBe(1);
    expect(await idsIn(bucket)).toHaveLength(30);
  });

  test('if matching rows keep arriving, it stops after three commits and reports that', async () => {
    const { bucket, table } = await threeFiles();
    let next = 0;
    const feeding = faultyStore(bucket, (operation, name) => {
      if (operation !== 'put' || !name.endsWith('.parquet')) return 'ok';
      const ids = [idOf(`again${next++}`), idOf(`again${next++}`)];
      return table
        .append(ids.map((id, index) => ({ id, note: index === 0 ? 'row a1' : 'other' })))
        .then(() => 'ok' as const);
    });
    const victim = await DeltaTable.open(feeding, 'events');
    const outcome = await eraseRows(victim, { note: { eq: 'row a1' } }, REASON);
    expect(outcome.isComplete).toBe(false);
    expect(outcome.versions).toHaveLength(3);
  });
});

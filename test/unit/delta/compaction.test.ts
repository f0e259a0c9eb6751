import { parquetMetadataAsync } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import { DeltaTable } from '../../../shared/delta/index.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { idsIn, memoryBucket, newTable, rowsOf } from '../../helpers/delta.ts';

/** Row counts of the row groups of each live file. */
async function groupsIn(store: ObjectStore): Promise<number[][]> {
  const { files } = await (await DeltaTable.open(store, 'events')).snapshot();
  return Promise.all(
    [...files.keys()].map(async (path) => {
      const body = (await store.get(`events/${path}`))?.body ?? new Uint8Array(0);
      const { row_groups } = await parquetMetadataAsync(new Uint8Array(body).buffer);
      return row_groups.map(({ num_rows }) => Number(num_rows));
    }),
  );
}

describe('memory of compaction', () => {
  test('a file with more rows than can be sorted is left alone, and others are still compacted', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    await table.append(rowsOf('big', 50));
    for (let i = 0; i < 4; i++) await table.append(rowsOf(`small${i}-`, 2));
    expect(await table.compact({ idColumn: 'id', maxSortedRows: 20 })).toMatchObject({
      rewrites: 1,
      filesRemoved: 4,
      rows: 8,
      isComplete: true,
    });
    expect(await idsIn(bucket)).toHaveLength(58);
  });

  test('files of which no two fit into one are sorted one by one', async () => {
    const table = await newTable();
    for (let i = 0; i < 5; i++) await table.append(rowsOf(`f${i}-`, 15));
    const options = { idColumn: 'id', maxSortedRows: 20, minFiles: 2 };
    expect(await table.compact(options)).toMatchObject({ rewrites: 5, filesAdded: 5 });
  });

  test('a rewrite takes files up to its bytes, too', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    for (let i = 0; i < 8; i++) await table.append(rowsOf(`f${i}-`, 3));
    const [{ size = 0 } = {}] = (await table.snapshot()).files.values();
    const compacted = await table.compact({ idColumn: 'id', maxSortedBytes: size * 4.5 });
    expect(compacted).toMatchObject({ rewrites: 2, filesRemoved: 8, rows: 24, isComplete: true });
  });

  test('rows of a megabyte are written in row groups of a few, although two thousand are allowed', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    for (let i = 0; i < 4; i++) {
      await table.append(rowsOf(`f${i}-`, 3).map((row) => ({ ...row, note: 'x'.repeat(1024 * 1024) })));
    }
    await table.compact({ idColumn: 'id' });
    const [groups = []] = await groupsIn(bucket);
    expect(groups.reduce((sum, rows) => sum + rows, 0)).toBe(12);
    expect(Math.max(...groups)).toBeLessThanOrEqual(8);
    expect(await idsIn(bucket)).toHaveLength(12);
  });
});

import { expect, test } from 'vitest';
import {
  type CompactionLimits,
  planCompaction,
  sortedTag,
} from '../../../shared/delta/maintenance/compaction-plan.ts';
import { Snapshot } from '../../../shared/delta/snapshot/snapshot.ts';

const LIMITS: CompactionLimits = {
  idColumn: 'id',
  targetBytes: 64_000_000,
  minFiles: 4,
  maxSortedRows: 100_000,
  maxSortedBytes: 32_000_000,
  maxMergedRows: 1_000_000,
};

/** Files with these numbers of rows, oldest first; `sorted` ones were compacted before. */
function tableOf(rows: readonly number[], sorted: readonly number[] = []): Snapshot {
  const addOf = (numRecords: number, at: number, tags?: Record<string, string>) => ({
    path: `part-${at}`,
    size: numRecords * 100,
    modificationTime: at,
    dataChange: true,
    partitionValues: {},
    stats: JSON.stringify({ numRecords }),
    ...(tags && { tags }),
  });
  const old = sorted.map((count, index) => addOf(count, index, sortedTag('id')));
  const fresh = rows.map((count, index) => addOf(count, 1_000 + index));
  return new Snapshot().withFiles([...old, ...fresh].map((add) => [add.path, add]));
}

const rowsOfParts = (snapshot: Snapshot, limits: CompactionLimits = LIMITS): number[] | undefined =>
  planCompaction(snapshot, limits)?.map((part) =>
    part.reduce((sum, { add }) => sum + JSON.parse(add.stats ?? '').numRecords, 0),
  );

test.each([
  ['the newest files, up to 20,000 rows, are a part of their own', Array(9).fill(5_000), [25_000, 20_000]],
  ['one of 20,000 is', [20_000, 20_000, 20_000, 20_000], [60_000, 20_000]],
  ['one of more is not', [5_000, 5_000, 5_000, 20_001], [35_001]],
  ['few rows are not worth a second file', Array(8).fill(5_000), [40_000]],
  ['in a backlog, only the last rewrite has the newest', Array(7).fill(20_000), [100_000]],
])('%s', (_what, rows, parts) => {
  expect(rowsOfParts(tableOf(rows))).toEqual(parts);
});

test('sorted files are merged whole, and a table without ids is joined whole', () => {
  expect(rowsOfParts(tableOf([], [20_000, 20_000, 20_000, 20_000]))).toEqual([80_000]);
  const { idColumn: _, ...joined } = LIMITS;
  expect(rowsOfParts(tableOf(Array(9).fill(5_000)), joined)).toEqual([45_000]);
});

import { ahead } from '../../core/ahead.ts';
import { DeltaError } from '../delta-error.ts';
import type { AddFile } from '../log/actions.ts';
import type { TableLocation } from '../log/paths.ts';
import { type BoundCondition, bindFilter, type Filter, mayMatchFile } from '../parquet/filter.ts';
import { openDataFile } from '../parquet/open-data-file.ts';
import {
  matchingRowGroups,
  type ParquetFile,
  type RowGroupRange,
  readRows,
} from '../parquet/parquet-file.ts';
import { type ScannedRow, scan } from './scan.ts';
import type { Snapshot } from './snapshot.ts';

const FILES_AT_A_TIME = 16;
/** Rows held as objects at a time; at least one row group. */
const ROWS_AT_A_TIME = 20_000;
/** Files up to this size are in memory once they are open: see openParquet. */
const WHOLE_FILE_BYTES = 256 * 1024;

/** A row group that may hold matching rows. */
export interface RowGroup {
  path: string;
  add: AddFile;
  parquet: ParquetFile;
  range: RowGroupRange;
}

export interface RowQuery {
  /** Columns to read, in the order of the result. */
  columns: readonly string[];
  filter: Filter;
  /**
   * A column with unique values and a bloom filter. A row group that passes the filter for one of them almost
   * certainly holds it, so all columns are read at once.
   */
  keyColumn?: string;
  signal?: AbortSignal | undefined;
}

/**
 * Matching rows in storage order, for queries that match few of many rows; `scan` suits queries that match most.
 * Files are ruled out by their statistics, row groups by statistics and bloom filters. If those cannot decide, the
 * filter's columns are read first, and the others only if a row matches. Throws `schema-mismatch` for an unknown
 * column.
 */
export async function* selectRows(
  location: TableLocation,
  snapshot: Snapshot,
  { columns, filter, keyColumn, signal }: RowQuery,
): AsyncGenerator<ScannedRow[]> {
  const { partitionColumns } = snapshot.metadata;
  if (partitionColumns.length > 0) return yield* scan(location, snapshot, { columns, filter, signal });
  checkColumns(snapshot, columns);
  const conditions = bindFilter(filter, snapshot.fields);
  const groups = rowGroups(location, liveFiles(snapshot, conditions), conditions, signal);
  const isExact = conditions.some(({ anyOf, field }) => anyOf !== undefined && field.name === keyColumn);
  const read = async ({ parquet, range, add }: RowGroup): Promise<ScannedRow[]> => {
    signal?.throwIfAborted();
    const looksFirst = conditions.length > 0 && !isExact && add.size > WHOLE_FILE_BYTES;
    if (looksFirst && (await readRows(parquet, range, [], conditions)).length === 0) return [];
    return readRows(parquet, range, columns, conditions);
  };
  for await (const rows of ahead(groups, ROWS_AT_A_TIME, read, rowsIn)) if (rows.length > 0) yield rows;
}

/** Live files whose statistics do not rule out a match, by decoded path. */
export function liveFiles(
  { files }: Snapshot,
  conditions: readonly BoundCondition[] = [],
): [path: string, add: AddFile][] {
  return [...files].filter(([, add]) => mayMatchFile(add.stats, conditions));
}

/** Row groups of the files that may match, in order. */
export async function* rowGroups(
  location: TableLocation,
  files: readonly [path: string, add: AddFile][],
  conditions: readonly BoundCondition[],
  signal: AbortSignal | undefined,
): AsyncGenerator<RowGroup> {
  const open = async ([path, add]: [string, AddFile]): Promise<RowGroup[]> => {
    signal?.throwIfAborted();
    const parquet = await openDataFile(location, path, add, signal);
    const ranges = await matchingRowGroups(parquet, conditions);
    return ranges.map((range) => ({ path, add, parquet, range }));
  };
  for await (const groups of ahead(files, FILES_AT_A_TIME, open)) yield* groups;
}

export function rowsIn({ range }: RowGroup): number {
  return range.rowEnd - range.rowStart;
}

function checkColumns({ fields }: Snapshot, columns: readonly string[]): void {
  const unknown = columns.find((name) => !fields.some((field) => field.name === name));
  if (unknown === undefined) return;
  const known = fields.map(({ name }) => name).join(', ');
  throw new DeltaError('schema-mismatch', `the table has no column ${unknown}; it has ${known}`);
}

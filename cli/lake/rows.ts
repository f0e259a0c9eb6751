import { DeltaError, type Filter, type ScannedRow } from '../../shared/delta/index.ts';
import type { AddFile } from '../../shared/delta/log/actions.ts';
import type { TableLocation } from '../../shared/delta/log/paths.ts';
import { type BoundCondition, bindFilter, mayMatchFile } from '../../shared/delta/parquet/filter.ts';
import {
  matchingRowGroups,
  openParquet,
  type ParquetFile,
  type RowGroupRange,
  readRows,
} from '../../shared/delta/parquet/parquet-file.ts';
import { scan } from '../../shared/delta/snapshot/scan.ts';
import type { Snapshot } from '../../shared/delta/snapshot/snapshot.ts';
import { ahead } from '../common/ahead.ts';

const FILES_AT_A_TIME = 16;
/** Rows held as objects at a time, a row group at least. */
const ROWS_AT_A_TIME = 20_000;
/** Files up to this size are in memory once they are open: see openParquet. */
const WHOLE_FILE_BYTES = 256 * 1024;

/** A row group that may have rows that match. */
export interface RowGroup {
  path: string;
  add: AddFile;
  parquet: ParquetFile;
  range: RowGroupRange;
}

export interface RowQuery {
  columns: readonly string[];
  filter: Filter;
  signal: AbortSignal;
}

/**
 * Rows that match, in the order of storage. Files are ruled out by their statistics, row groups by statistics
 * and bloom filters, and where those cannot tell, by the filter's columns alone: the others, of which `data`
 * is the bulk, are read where there is a match.
 */
export async function* selectRows(
  location: TableLocation,
  snapshot: Snapshot,
  { columns, filter, signal }: RowQuery,
): AsyncGenerator<ScannedRow[]> {
  const { partitionColumns } = snapshot.metadata;
  if (partitionColumns.length > 0) return yield* scan(location, snapshot, { columns, filter, signal });
  checkColumns(snapshot, columns);
  const conditions = bindFilter(filter, snapshot.fields);
  const groups = rowGroups(location, liveFiles(snapshot, conditions), conditions, signal);
  // an exact value that a bloom filter lets through is there, as good as always
  const isExact = conditions.some(({ anyOf, field }) => anyOf !== undefined && field.name === 'event_id');
  const read = async ({ parquet, range, add }: RowGroup): Promise<ScannedRow[]> => {
    signal.throwIfAborted();
    const looksFirst = conditions.length > 0 && !isExact && add.size > WHOLE_FILE_BYTES;
    if (looksFirst && (await readRows(parquet, range, [], conditions)).length === 0) return [];
    return readRows(parquet, range, columns, conditions);
  };
  for await (const rows of ahead(
    groups,
    ROWS_AT_A_TIME,
    read,
    ({ range }) => range.rowEnd - range.rowStart,
  )) {
    if (rows.length > 0) yield rows;
  }
}

/** Live files whose statistics do not rule out a match. */
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
  signal: AbortSignal,
): AsyncGenerator<RowGroup> {
  const open = async ([path, add]: [string, AddFile]): Promise<RowGroup[]> => {
    signal.throwIfAborted();
    checkFile(path, add);
    const parquet = await openParquet(location, path, add.size, signal);
    const ranges = await matchingRowGroups(parquet, conditions);
    return ranges.map((range) => ({ path, add, parquet, range }));
  };
  for await (const groups of ahead(each(files), FILES_AT_A_TIME, open)) yield* groups;
}

export function checkFile(path: string, add: AddFile): void {
  if (add.deletionVector === undefined) return;
  throw new DeltaError('unsupported-table', `data file ${path} has a deletion vector, which is not read`);
}

function checkColumns({ fields }: Snapshot, columns: readonly string[]): void {
  const unknown = columns.find((name) => !fields.some((field) => field.name === name));
  if (unknown === undefined) return;
  const known = fields.map(({ name }) => name).join(', ');
  throw new DeltaError('schema-mismatch', `the table has no column ${unknown}; it has ${known}`);
}

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

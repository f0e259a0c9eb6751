import { DeltaError } from '../delta-error.ts';
import type { AddFile } from '../log/actions.ts';
import type { TableLocation } from '../log/paths.ts';
import { bindFilter, type Filter, mayMatchFile } from '../parquet/filter.ts';
import { openDataFile } from '../parquet/open-data-file.ts';
import { matchingRowGroups, readRows } from '../parquet/parquet-file.ts';
import type { Snapshot } from './snapshot.ts';

export interface ScanOptions {
  /** Columns to read. Default: all. */
  columns?: readonly string[];
  /** Only rows that match. Files and row groups that cannot hold one are not read. */
  filter?: Filter;
  /** Files read at the same time. Default 4. */
  parallelFiles?: number;
  signal?: AbortSignal | undefined;
}

/** A row as it is stored: see `Value` for the forms. Nested columns of other writers come as plain objects. */
export type ScannedRow = Record<string, unknown>;

/**
 * Rows of the snapshot, one row group at a time. Columns that a file lacks are null ("Consistency Between
 * Table Metadata and Data Files"); partition columns come from the log, as texts.
 */
export async function* scan(
  location: TableLocation,
  snapshot: Snapshot,
  options: ScanOptions = {},
): AsyncGenerator<ScannedRow[]> {
  const { fields, metadata } = snapshot;
  const columns = options.columns ?? fields.map((field) => field.name);
  const unknown = columns.find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined) throw new DeltaError('schema-mismatch', `the table has no column ${unknown}`);
  const partitions = metadata.partitionColumns;
  const filtered = Object.keys(options.filter ?? {}).find((name) => partitions.includes(name));
  if (filtered)
    throw new DeltaError('unsupported-table', `the filter must not name partition column ${filtered}`);
  const conditions = bindFilter(options.filter ?? {}, fields);

  const candidates = [...snapshot.files].filter(([, add]) => mayMatchFile(add.stats, conditions));
  const readFile = async function* ([path, add]: [string, AddFile]): AsyncGenerator<ScannedRow[]> {
    const parquet = await openDataFile(location, path, add, options.signal);
    for (const range of await matchingRowGroups(parquet, conditions)) {
      const stored = columns.filter((name) => !partitions.includes(name));
      const rows = await readRows(parquet, range, stored, conditions);
      yield addPartitionValues(rows, columns, partitions, add);
    }
  };
  yield* inParallel(candidates, readFile, options.parallelFiles ?? 4);
}

/** Collects all rows in order: for results small enough to hold. */
export async function collectRows(batches: AsyncIterable<ScannedRow[]>): Promise<ScannedRow[]> {
  const all: ScannedRow[] = [];
  for await (const rows of batches) for (const row of rows) all.push(row);
  return all;
}

function addPartitionValues(
  rows: ScannedRow[],
  columns: readonly string[],
  partitions: readonly string[],
  add: AddFile,
): ScannedRow[] {
  const wanted = partitions.filter((name) => columns.includes(name));
  for (const row of rows) {
    // an empty text stands for null ("Partition Value Serialization")
    for (const name of wanted) row[name] = add.partitionValues[name] || null;
  }
  return rows;
}

/** Yields the batches of each item in the order of the items, and prefetches the first batch of the next items. */
async function* inParallel<T, R>(
  items: readonly T[],
  read: (item: T) => AsyncGenerator<R>,
  width: number,
): AsyncGenerator<R> {
  const started: { batches: AsyncGenerator<R>; first: Promise<IteratorResult<R>> }[] = [];
  let next = 0;
  try {
    while (next < items.length || started.length > 0) {
      while (next < items.length && started.length < width) {
        const batches = read(items[next++] as T);
        const first = batches.next();
        // a failure is thrown in its item's turn; until then it must not count as unhandled
        first.catch(() => {});
        started.push({ batches, first });
      }
      const { batches, first } = started[0] as (typeof started)[number];
      for (let result = await first; !result.done; result = await batches.next()) yield result.value;
      started.shift();
    }
  } finally {
    await Promise.allSettled(started.map(({ batches }) => batches.return(undefined)));
  }
}

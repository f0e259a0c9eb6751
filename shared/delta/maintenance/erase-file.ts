import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import { corrupt, DeltaError } from '../delta-error.ts';
import type { AddFile } from '../log/actions.ts';
import type { TableLocation } from '../log/paths.ts';
import { type Row, writableFields } from '../log/schema.ts';
import { parseStats } from '../log/stats.ts';
import { codecOf } from '../parquet/codec.ts';
import { DataFileWriter } from '../parquet/data-file.ts';
import { type BoundCondition, matchesRow } from '../parquet/filter.ts';
import { openDataFile } from '../parquet/open-data-file.ts';
import { matchingRowGroups, type RowGroupRange, readRows } from '../parquet/parquet-file.ts';
import { uploadDataFile } from '../snapshot/append.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { sortedBy } from './compaction-plan.ts';

/** A live file and what takes its place. */
export interface ErasedFile {
  path: string;
  add: AddFile;
  /** Empty if every row of the file matched. */
  outputs: AddFile[];
  rowsErased: number;
  rowsCopied: number;
}

/** Other engines write row groups of a million rows: fewer are held as objects. */
const ROWS_AT_A_TIME = 50_000;
/** A new file is closed at about this size. */
const TARGET_BYTES = 64 * 1024 * 1024;

/** Counts matching rows. Reads only the filter's columns, and only of row groups that may match. */
export async function countMatches(
  location: TableLocation,
  path: string,
  add: AddFile,
  conditions: readonly BoundCondition[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const parquet = await openDataFile(location, path, add, signal);
  let matches = 0;
  for (const range of (await matchingRowGroups(parquet, conditions)).flatMap(inSteps)) {
    signal?.throwIfAborted();
    matches += (await readRows(parquet, range, [], conditions)).length;
  }
  return matches;
}

/** Uploads the file's other rows in their order, sorted and indexed as they were. Nothing refers to them yet. */
export async function eraseFromFile(
  location: TableLocation,
  { fields, metadata }: Snapshot,
  path: string,
  add: AddFile,
  conditions: readonly BoundCondition[],
  { clock, signal }: { clock: Clock; signal: AbortSignal | undefined },
): Promise<ErasedFile> {
  const codec = codecOf(metadata.configuration['delta.parquet.compression.codec']);
  const idColumn = sortedBy(add);
  const columns = fields.map(({ name }) => name);
  const erased: ErasedFile = { path, add, outputs: [], rowsErased: 0, rowsCopied: 0 };
  let writer: DataFileWriter | undefined;
  const closeFile = async (): Promise<void> => {
    if (writer === undefined) return;
    const output = await uploadDataFile(location, writer.finish(), { codec, clock, signal });
    erased.outputs.push(add.tags ? { ...output, tags: add.tags } : output);
    writer = undefined;
  };
  const parquet = await openDataFile(location, path, add, signal);
  const written = writableFields(fields);
  const foreign = fields.find((field) => !written.includes(field) && parquet.columns.has(field.name));
  if (foreign) {
    throw new DeltaError(
      'unsupported-table',
      `data file ${path} has column ${foreign.name} of type ${JSON.stringify(foreign.type)}, which cannot be written here: erase with the engine that wrote it`,
    );
  }
  for (const range of rowGroupsOf(parquet.metadata.row_groups).flatMap(inSteps)) {
    signal?.throwIfAborted();
    const rows = await readRows(parquet, range, columns);
    const kept = rows.filter((row) => !matchesRow(row, conditions)) as Row[];
    erased.rowsErased += rows.length - kept.length;
    erased.rowsCopied += kept.length;
    if (kept.length === 0) continue;
    writer ??= new DataFileWriter(fields, { codec, idColumn });
    writer.write(kept);
    if (writer.bytes >= TARGET_BYTES) await closeFile();
    // yield to the other writers in this process
    await nextTurn();
  }
  await closeFile();
  checkCounts(erased);
  return erased;
}

function checkCounts({ path, add, outputs, rowsErased, rowsCopied }: ErasedFile): void {
  const stated = parseStats(add.stats).numRecords ?? rowsErased + rowsCopied;
  const written = outputs.reduce((sum, { stats }) => sum + (parseStats(stats).numRecords ?? 0), 0);
  if (stated === rowsErased + rowsCopied && written === rowsCopied) return;
  throw corrupt(
    `erasing from ${path} read ${rowsErased + rowsCopied} rows, left out ${rowsErased} and wrote ${written}; the log says ${stated}`,
  );
}

function rowGroupsOf(groups: readonly { num_rows: bigint }[]): RowGroupRange[] {
  let rowStart = 0;
  return groups.map(({ num_rows }) => {
    const range = { rowStart, rowEnd: rowStart + Number(num_rows) };
    rowStart = range.rowEnd;
    return range;
  });
}

function inSteps({ rowStart, rowEnd }: RowGroupRange): RowGroupRange[] {
  const steps: RowGroupRange[] = [];
  for (let start = rowStart; start < rowEnd; start += ROWS_AT_A_TIME) {
    steps.push({ rowStart: start, rowEnd: Math.min(rowEnd, start + ROWS_AT_A_TIME) });
  }
  return steps;
}

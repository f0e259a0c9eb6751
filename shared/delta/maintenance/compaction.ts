import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '../../core/clock.ts';
import { mapConcurrent } from '../../core/map-concurrent.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import { corrupt } from '../delta-error.ts';
import type { Action, AddFile } from '../log/actions.ts';
import { type CommitOptions, newCommitInfo, putCommit } from '../log/commit.ts';
import { type ConflictReason, rewriteConflict } from '../log/conflict.ts';
import type { TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import { type Field, type Row, writableFields } from '../log/schema.ts';
import { parseStats } from '../log/stats.ts';
import { codecOf } from '../parquet/codec.ts';
import { DataFileWriter } from '../parquet/data-file.ts';
import { openDataFile } from '../parquet/open-data-file.ts';
import { readRows } from '../parquet/parquet-file.ts';
import { uploadDataFile } from '../snapshot/append.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import {
  type CompactionInput,
  type CompactionLimits,
  planCompaction,
  rowsOf,
  sortedTag,
} from './compaction-plan.ts';

export interface CompactionOptions extends Partial<CompactionLimits> {
  /** No rewrite begins after this time, in ms; the next call continues. Default: no limit. */
  maxMs?: number;
  clock?: Clock;
  commit?: CommitOptions;
  signal?: AbortSignal | undefined;
}

export interface CompactionOutcome {
  /** Commits made. */
  rewrites: number;
  filesRemoved: number;
  filesAdded: number;
  rows: number;
  /** Bytes of the new files. */
  bytes: number;
  /** Set if another writer removed an input or changed the table: finished work stays, the rest waits. */
  conflict: ConflictReason | undefined;
  /** Files with columns of unsupported types, which a rewrite would lose. */
  leftOut: string[];
  /** False if there was more to do. */
  isComplete: boolean;
}

/** Small enough for one read when an id is looked up. */
const SORTED_GROUP_ROWS = 2_000;
const JOINED_GROUP_ROWS = 50_000;
/** Size of a row group. One of each merged file is in memory, so long rows get smaller groups. */
const PARALLEL_LOOKS = 16;
const GROUP_BYTES = 4 * 1024 * 1024;

/**
 * Rewrites small files into larger ones, sorted by the id column with a bloom filter per row group. Rows do not
 * change (`dataChange: false`), so it continues after other writers' commits unless they removed one of its inputs.
 * `snapshot` is advanced to the version reached.
 */
export async function compact(
  location: TableLocation,
  snapshot: Snapshot,
  options: CompactionOptions = {},
): Promise<CompactionOutcome> {
  const { clock = systemClock, maxMs = Number.POSITIVE_INFINITY, signal } = options;
  const limits: CompactionLimits = {
    idColumn: options.idColumn,
    targetBytes: options.targetBytes ?? 64 * 1024 * 1024,
    minFiles: options.minFiles ?? 4,
    maxSortedRows: options.maxSortedRows ?? 100_000,
    maxSortedBytes: options.maxSortedBytes ?? 32 * 1024 * 1024,
    maxMergedRows: options.maxMergedRows ?? 1_000_000,
  };
  const total: CompactionOutcome = {
    rewrites: 0,
    filesRemoved: 0,
    filesAdded: 0,
    rows: 0,
    bytes: 0,
    conflict: undefined,
    leftOut: [],
    isComplete: true,
  };
  const leftOut = new Set<string>();
  const started = clock.now();
  for (;;) {
    checkWritable(snapshot.protocol, snapshot.metadata);
    const parts = planCompaction(snapshot, limits, leftOut);
    if (parts === undefined) return total;
    const inputs = parts.flat();
    const unwritable = await unwritableFiles(location, snapshot, inputs, signal);
    if (unwritable.length > 0) {
      for (const path of unwritable) leftOut.add(path);
      total.leftOut = [...leftOut];
      continue;
    }
    if (clock.now() - started > maxMs || signal?.aborted) return { ...total, isComplete: false };
    const adds: AddFile[] = [];
    for (const part of parts) adds.push(...(await rewrite(location, snapshot, part, limits, clock, signal)));
    const conflict = await commitRewrite(location, snapshot, inputs, adds, clock, options.commit);
    if (conflict) return { ...total, conflict, isComplete: false };
    total.rewrites++;
    total.filesRemoved += inputs.length;
    total.filesAdded += adds.length;
    for (const add of adds) {
      total.rows += rowsOf(add);
      total.bytes += add.size;
    }
  }
}

/** The inputs with a column of an unsupported type. Reads files only if the table has such a column. */
async function unwritableFiles(
  location: TableLocation,
  { fields }: Snapshot,
  inputs: readonly CompactionInput[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const foreign = fields.filter((field) => !writableFields(fields).includes(field));
  if (foreign.length === 0) return [];
  const found = await mapConcurrent(inputs, PARALLEL_LOOKS, async ({ path, add }) => {
    const { columns } = await openDataFile(location, path, add, signal);
    return foreign.some(({ name }) => columns.has(name)) ? path : undefined;
  });
  return found.filter((path) => path !== undefined);
}

async function rewrite(
  location: TableLocation,
  snapshot: Snapshot,
  inputs: readonly CompactionInput[],
  { idColumn, targetBytes }: CompactionLimits,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<AddFile[]> {
  const { fields, metadata } = snapshot;
  const codec = codecOf(metadata.configuration['delta.parquet.compression.codec']);
  const rowGroupRows = idColumn === undefined ? JOINED_GROUP_ROWS : SORTED_GROUP_ROWS;
  const tags = sortedTag(idColumn);
  const adds: AddFile[] = [];
  let writer: DataFileWriter | undefined;
  let batch: Row[] = [];
  let batchBytes = 0;
  let read = 0;
  const closeFile = async (): Promise<void> => {
    if (writer === undefined) return;
    const add = await uploadDataFile(location, writer.finish(), { codec, clock, dataChange: false, signal });
    adds.push(tags ? { ...add, tags } : add);
    writer = undefined;
  };
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    writer ??= new DataFileWriter(fields, { codec, idColumn });
    writer.write(batch);
    batch = [];
    batchBytes = 0;
    if (writer.bytes >= targetBytes) await closeFile();
    // yield to the other writers in this process
    await nextTurn();
    signal?.throwIfAborted();
  };
  for await (const row of mergedRows(location, fields, inputs, idColumn, signal)) {
    batch.push(row);
    batchBytes += bytesOf(row);
    read++;
    if (batch.length >= rowGroupRows || batchBytes >= GROUP_BYTES) await flush();
  }
  await flush();
  await closeFile();
  const written = adds.reduce((sum, add) => sum + rowsOf(add), 0);
  const stated = inputs.map(({ add }) => parseStats(add.stats).numRecords);
  const allStated = stated.every((rows) => rows !== undefined);
  const expected = stated.reduce((sum: number, rows) => sum + (rows ?? 0), 0);
  if (written !== read || (allStated && expected !== read)) {
    throw corrupt(`compaction read ${read} rows and wrote ${written}; the log says ${expected}`);
  }
  return adds;
}

/** Approximate size of the row. */
function bytesOf(row: Row): number {
  let bytes = 0;
  for (const name in row) {
    const value = row[name];
    bytes += typeof value === 'string' || value instanceof Uint8Array ? value.length : 8;
  }
  return bytes;
}

async function commitRewrite(
  location: TableLocation,
  snapshot: Snapshot,
  inputs: readonly CompactionInput[],
  adds: readonly AddFile[],
  clock: Clock,
  commitOptions: CommitOptions | undefined,
): Promise<ConflictReason | undefined> {
  const now = Math.trunc(clock.now());
  const paths = new Set(inputs.map(({ path }) => path));
  const actions: Action[] = inputs.map(({ add }) => ({
    remove: {
      path: add.path,
      deletionTimestamp: now,
      dataChange: false,
      extendedFileMetadata: true,
      partitionValues: add.partitionValues,
      size: add.size,
    },
  }));
  for (const add of adds) actions.push({ add });
  const info = newCommitInfo('OPTIMIZE', now, { predicate: '[]', zOrderBy: '[]' });
  for (;;) {
    const version = snapshot.version + 1;
    const outcome = await putCommit(location, version, info, actions, { clock, ...commitOptions });
    if (outcome.kind === 'committed') {
      const removes = actions.flatMap((action) => ('remove' in action ? [action.remove] : []));
      const nothing = { protocol: undefined, metadata: undefined, txns: [] };
      snapshot.apply({ version, commitInfo: info, adds: [...adds], removes, ...nothing });
      return undefined;
    }
    const reason = rewriteConflict(outcome.winner, paths);
    snapshot.apply(outcome.winner);
    if (reason) return reason;
  }
}

/** All rows of the inputs, sorted by id if the table has one. */
async function* mergedRows(
  location: TableLocation,
  fields: readonly Field[],
  inputs: readonly CompactionInput[],
  idColumn: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Row> {
  const columns = fields.map(({ name }) => name);
  const rowsOfFile = async function* ({ path, add }: CompactionInput): AsyncGenerator<Row[]> {
    const parquet = await openDataFile(location, path, add, signal);
    let rowStart = 0;
    for (const group of parquet.metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      yield (await readRows(parquet, { rowStart, rowEnd }, columns)) as Row[];
      rowStart = rowEnd;
    }
  };
  if (idColumn === undefined) {
    for (const input of inputs) for await (const rows of rowsOfFile(input)) yield* rows;
    return;
  }
  const byId = (a: Row, b: Row): number => compareUtf8(String(a[idColumn]), String(b[idColumn]));
  const unsorted: Row[] = [];
  for (const input of inputs) {
    if (input.isSorted) continue;
    for await (const rows of rowsOfFile(input)) for (const row of rows) unsorted.push(row);
  }
  const runs = inputs.filter(({ isSorted }) => isSorted).map((input) => rowsOfFile(input));
  runs.push(
    (async function* () {
      yield unsorted.sort(byId);
    })(),
  );
  yield* mergeRuns(runs, byId);
}

/** Merges sorted runs, holding one batch of each. */
async function* mergeRuns(
  runs: AsyncGenerator<Row[]>[],
  compare: (a: Row, b: Row) => number,
): AsyncGenerator<Row> {
  const heads: { run: AsyncGenerator<Row[]>; rows: Row[]; at: number }[] = [];
  for (const run of runs) heads.push({ run, rows: [], at: 0 });
  const refill = async (head: (typeof heads)[number]): Promise<boolean> => {
    while (head.at >= head.rows.length) {
      const next = await head.run.next();
      if (next.done) return false;
      head.rows = next.value;
      head.at = 0;
    }
    return true;
  };
  let active: typeof heads = [];
  for (const head of heads) if (await refill(head)) active.push(head);
  while (active.length > 0) {
    let least = active[0] as (typeof heads)[number];
    for (const head of active) {
      if (compare(head.rows[head.at] as Row, least.rows[least.at] as Row) < 0) least = head;
    }
    yield least.rows[least.at++] as Row;
    if (least.at >= least.rows.length && !(await refill(least)))
      active = active.filter((head) => head !== least);
  }
}

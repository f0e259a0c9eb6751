import type { AddFile } from '../log/actions.ts';
import { parseStats } from '../log/stats.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

export interface CompactionLimits {
  /** Column that rows are sorted by and looked up by; without it, files are only joined. */
  idColumn?: string | undefined;
  /** A new file is closed at about this size, and files of half of it are left alone. Default 64 MiB. */
  targetBytes: number;
  /** Minimum number of files worth a rewrite. Default 4. */
  minFiles: number;
  /** Maximum rows that one rewrite sorts in memory. Default 100,000. */
  maxSortedRows: number;
  /**
   * Maximum bytes of files that one rewrite sorts in memory, where they take several times as much. Default 32 MiB.
   */
  maxSortedBytes: number;
  /** Maximum rows that one rewrite merges from sorted files. Default 1,000,000. */
  maxMergedRows: number;
}

/** Files to rewrite together. */
export interface CompactionInput {
  path: string;
  add: AddFile;
  /** In order of the id column already, so it is read a row group at a time. */
  isSorted: boolean;
}

const SORTED_BY = 'sortedBy';
/** This many sorted files of similar size are merged, so that each row is rewritten only a few times. */
const MERGE_FAN_IN = 4;
const MAX_FAN_IN = 16;
/** Most rows of the file that keeps the newest ones. */
const NEWEST_ROWS = 20_000;
/** Without statistics, a row counts as this many bytes. */
const GUESSED_ROW_BYTES = 100;

export function sortedTag(idColumn: string | undefined): Record<string, string> | undefined {
  return idColumn === undefined ? undefined : { [SORTED_BY]: idColumn };
}

/** The column that the file's rows are sorted by; undefined for a file that is not. */
export function sortedBy({ tags }: AddFile): string | undefined {
  return tags?.[SORTED_BY] ?? undefined;
}

/** The next rewrite that is due, in parts of which each becomes files of its own; undefined if none is due. */
export function planCompaction(
  snapshot: Snapshot,
  limits: CompactionLimits,
  leftOut: ReadonlySet<string> = new Set(),
): CompactionInput[][] | undefined {
  const { idColumn, targetBytes, minFiles } = limits;
  const files = [...snapshot.files].flatMap(([path, add]): CompactionInput | [] => {
    if (leftOut.has(path)) return [];
    return { path, add, isSorted: idColumn !== undefined && add.tags?.[SORTED_BY] === idColumn };
  });
  const isJoined = idColumn === undefined;
  const most = isJoined
    ? { rows: limits.maxMergedRows, bytes: Number.POSITIVE_INFINITY }
    : { rows: limits.maxSortedRows, bytes: limits.maxSortedBytes };
  const fresh = files.filter(
    ({ add, isSorted }) =>
      !isSorted &&
      (!isJoined || add.size < targetBytes / 2) &&
      rowsOf(add) <= most.rows &&
      add.size <= most.bytes,
  );
  if (fresh.length >= minFiles) {
    const oldestFirst = fresh.sort((a, b) => a.add.modificationTime - b.add.modificationTime);
    const chosen = takeUpTo(oldestFirst, { ...most, files: Number.POSITIVE_INFINITY });
    // one alone is worth sorting, not joining
    if (chosen.length > (isJoined ? 1 : 0)) {
      return isJoined || chosen.length < fresh.length ? [chosen] : newestApart(chosen);
    }
  }
  const tiers = new Map<number, CompactionInput[]>();
  for (const file of files) {
    if (!file.isSorted || file.add.size >= targetBytes / 2) continue;
    const tier = Math.floor(Math.log2(file.add.size) / 2);
    tiers.set(tier, [...(tiers.get(tier) ?? []), file]);
  }
  for (const tier of [...tiers.keys()].sort((a, b) => a - b)) {
    const chosen = takeUpTo(tiers.get(tier) ?? [], {
      rows: limits.maxMergedRows,
      bytes: Number.POSITIVE_INFINITY,
      files: MAX_FAN_IN,
    });
    if (chosen.length >= MERGE_FAN_IN) return [chosen];
  }
  return undefined;
}

/**
 * Sorted by ids, the newest rows would be spread over the whole file, and who asks for them would read every time in it.
 * So the last files, as far as they have few rows, become a file of their own.
 */
function newestApart(oldestFirst: CompactionInput[]): CompactionInput[][] {
  const rowsIn = (inputs: readonly CompactionInput[]): number =>
    inputs.reduce((sum, { add }) => sum + rowsOf(add), 0);
  let from = oldestFirst.length;
  while (from > 0 && rowsIn(oldestFirst.slice(from - 1)) <= NEWEST_ROWS) from--;
  const [older, newest] = [oldestFirst.slice(0, from), oldestFirst.slice(from)];
  return newest.length > 0 && rowsIn(older) > NEWEST_ROWS ? [older, newest] : [oldestFirst];
}

export function rowsOf(add: AddFile): number {
  return parseStats(add.stats).numRecords ?? Math.ceil(add.size / GUESSED_ROW_BYTES);
}

function takeUpTo(
  files: readonly CompactionInput[],
  most: { rows: number; bytes: number; files: number },
): CompactionInput[] {
  const chosen: CompactionInput[] = [];
  let rows = 0;
  let bytes = 0;
  for (const file of files) {
    rows += rowsOf(file.add);
    bytes += file.add.size;
    const isTooMuch = rows > most.rows || bytes > most.bytes;
    if (chosen.length >= most.files || (chosen.length > 0 && isTooMuch)) break;
    chosen.push(file);
  }
  return chosen;
}

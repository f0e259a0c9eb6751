import { ahead } from '../../core/ahead.ts';
import { DeltaError } from '../delta-error.ts';
import type { AddFile } from '../log/actions.ts';
import type { TableLocation } from '../log/paths.ts';
import { parseStats } from '../log/stats.ts';
import { bindFilter, type Filter, matchesRow, mayMatchFile } from '../parquet/filter.ts';
import { readRows } from '../parquet/parquet-file.ts';
import type { ScannedRow } from './scan.ts';
import { liveFiles, type RowGroup, rowGroups, rowsIn } from './select-rows.ts';
import type { Snapshot } from './snapshot.ts';

/** Files with this many times the rows wanted are looked at first, and each time so many times more. */
const MORE_EACH_TIME = 8;
/** Rows of the time column and the filter's columns held at a time. */
const ROWS_AT_A_TIME = 60_000;

export interface NewestQuery {
  /** The timestamp column that decides which rows are the newest. */
  timeColumn: string;
  columns: readonly string[];
  filter: Filter;
  limit: number;
  signal?: AbortSignal | undefined;
}

interface Found {
  at: bigint;
  group: RowGroup;
  /** Index in the file. */
  row: number;
}

/**
 * The `limit` newest matching rows, newest first. The times are read first, latest files first by their statistics,
 * and only the rows returned are read whole. Throws `schema-mismatch` if `timeColumn` is not a timestamp column.
 */
export async function newestRows(
  location: TableLocation,
  snapshot: Snapshot,
  query: NewestQuery,
): Promise<ScannedRow[]> {
  return readWhole(await findNewest(location, snapshot, query), query.columns);
}

async function findNewest(
  location: TableLocation,
  snapshot: Snapshot,
  { timeColumn, filter, limit, signal }: NewestQuery,
): Promise<Found[]> {
  const { fields } = snapshot;
  if (!fields.some(({ name, type }) => name === timeColumn && type === 'timestamp')) {
    throw new DeltaError('schema-mismatch', `the table has no timestamp column ${timeColumn}`);
  }
  const conditions = bindFilter(filter, fields);
  const columns = [timeColumn, ...Object.keys(filter)];
  const latest = (stats: string | undefined): number => latestTime(stats, timeColumn);
  const files = liveFiles(snapshot, conditions).sort(([, a], [, b]) =>
    compare(latest(b.stats), latest(a.stats)),
  );
  let newest: Found[] = [];
  const read = async (group: RowGroup): Promise<Found[]> => {
    const rows = await readRows(group.parquet, group.range, columns);
    return rows.flatMap((row, index) => {
      const at = row[timeColumn];
      if (typeof at !== 'bigint' || !matchesRow(row, conditions)) return [];
      return [{ at, group, row: group.range.rowStart + index }];
    });
  };
  let next = 0;
  for (let wanted = limit; next < files.length; wanted *= MORE_EACH_TIME) {
    // once `limit` rows are known, only files that can hold a newer one are worth reading
    const oldest = newest.length < limit ? undefined : newest.at(-1)?.at;
    const newer = oldest === undefined ? [] : bindFilter({ [timeColumn]: { gt: oldest } }, fields);
    const end = endOf(files, next, wanted);
    const some = files.slice(next, end).filter(([, add]) => mayMatchFile(add.stats, newer));
    next = end;
    const groups = rowGroups(location, some, conditions, signal);
    for await (const found of ahead(groups, ROWS_AT_A_TIME, read, rowsIn)) {
      newest = [...newest, ...found].sort((a, b) => compare(b.at, a.at)).slice(0, limit);
    }
  }
  return newest;
}

/** Index after the files from `next` on that have `wanted` rows together, by their statistics. */
function endOf(files: readonly [path: string, add: AddFile][], next: number, wanted: number): number {
  let rows = 0;
  let end = next;
  while (end < files.length && rows < wanted)
    rows += parseStats(files[end++]?.[1].stats).numRecords ?? wanted;
  return end;
}

/** In the order of `found`; each row group is read once. */
async function readWhole(found: readonly Found[], columns: readonly string[]): Promise<ScannedRow[]> {
  const rows: ScannedRow[] = new Array(found.length);
  const groups = new Map<string, RowGroup>();
  const keyOf = ({ path, range }: RowGroup): string => `${path} ${range.rowStart}`;
  for (const { group } of found) groups.set(keyOf(group), group);
  const read = async ([key, group]: [string, RowGroup]): Promise<void> => {
    const all = await readRows(group.parquet, group.range, columns);
    for (const [index, one] of found.entries()) {
      if (keyOf(one.group) === key) rows[index] = all[one.row - group.range.rowStart] as ScannedRow;
    }
  };
  for await (const _ of ahead(groups, ROWS_AT_A_TIME, read, ([, group]) => rowsIn(group)));
  return rows;
}

/** Latest time in a file by its statistics, ms; a file without them may hold anything. */
export function latestTime(stats: string | undefined, timeColumn: string): number {
  const max = parseStats(stats).maxValues[timeColumn];
  const at = typeof max === 'string' ? Date.parse(max) : Number.NaN;
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at;
}

function compare<T extends bigint | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import { ahead } from '../../core/ahead.ts';
import type { AddFile } from '../log/actions.ts';
import type { TableLocation } from '../log/paths.ts';
import { type BoundCondition, bindFilter, type Filter, matchesRow } from '../parquet/filter.ts';
import { readRows } from '../parquet/parquet-file.ts';
import { latestTime } from './newest-rows.ts';
import type { ScannedRow } from './scan.ts';
import { liveFiles, type RowGroup, rowGroups, rowsIn } from './select-rows.ts';
import type { Snapshot } from './snapshot.ts';

/** Rows of a few row groups are read at a time. */
const ROWS_AT_A_TIME = 8_000;

/** Where a search goes on: a file by its position, and a row in it. Valid for the same version and filter only. */
export interface SearchPlace {
  file: number;
  row: number;
}

export interface SearchQuery {
  /** Files with the latest of these times come first. */
  timeColumn: string;
  columns: readonly string[];
  filter: Filter;
  /** Is given the columns and those of the filter. */
  matches(row: ScannedRow): boolean;
  /** Most rows found. */
  limit: number;
  /** Ends after the row group with which it has searched this many rows. */
  mostRows: number;
  from?: SearchPlace | undefined;
  signal?: AbortSignal | undefined;
}

export interface SearchPage {
  /** In the order in which they are stored. */
  rows: ScannedRow[];
  searched: number;
  /** Undefined if nothing is left. */
  next?: SearchPlace;
}

/**
 * Rows for which no statistics speak, such as those with a text in them: a bounded part of the table is read, and the
 * answer says where to go on. Files are read whole, latest first, so that pages together read each row once.
 */
export async function searchRows(
  location: TableLocation,
  snapshot: Snapshot,
  { timeColumn, columns, filter, matches, limit, mostRows, from, signal }: SearchQuery,
): Promise<SearchPage> {
  const conditions = bindFilter(filter, snapshot.fields);
  const files = latestFirst(snapshot, conditions, timeColumn);
  const start = from ?? { file: 0, row: 0 };
  const positions = new Map(files.map(([path], index) => [path, index]));
  const placeOf = ({ path }: RowGroup, row: number): SearchPlace => ({ file: positions.get(path) ?? 0, row });
  const isLeft = (group: RowGroup): boolean =>
    placeOf(group, 0).file > start.file || group.range.rowEnd > start.row;
  const wanted = [...new Set([...columns, ...Object.keys(filter)])];
  const read = async (group: RowGroup): Promise<{ group: RowGroup; rows: ScannedRow[] }> => ({
    group,
    rows: isLeft(group) ? ((await readRows(group.parquet, group.range, wanted)) as ScannedRow[]) : [],
  });
  const page: SearchPage = { rows: [], searched: 0 };
  let end: SearchPlace | undefined;
  const groups = rowGroups(location, files.slice(start.file), conditions, signal);
  for await (const { group, rows } of ahead(groups, ROWS_AT_A_TIME, read, rowsIn)) {
    if (end) return { ...page, next: end };
    const first = placeOf(group, 0).file === start.file ? Math.max(0, start.row - group.range.rowStart) : 0;
    for (let index = first; index < rows.length; index++) {
      const row = rows[index] as ScannedRow;
      page.searched++;
      if (!matchesRow(row, conditions) || !matches(row)) continue;
      page.rows.push(row);
      if (page.rows.length >= limit)
        return { ...page, next: placeOf(group, group.range.rowStart + index + 1) };
    }
    if (page.searched >= mostRows) end = placeOf(group, group.range.rowEnd);
  }
  return page;
}

/** In an order that follows from the version alone. */
function latestFirst(
  snapshot: Snapshot,
  conditions: readonly BoundCondition[],
  timeColumn: string,
): [path: string, add: AddFile][] {
  return liveFiles(snapshot, conditions)
    .map((file) => ({ file, at: latestTime(file[1].stats, timeColumn) }))
    .sort((a, b) => (a.at === b.at ? (a.file[0] < b.file[0] ? -1 : 1) : a.at < b.at ? 1 : -1))
    .map(({ file }) => file);
}

import type { AsyncBuffer, FileMetaData, RowGroup, SchemaElement } from 'hyparquet';
import { readColumnIndex, readOffsetIndex } from 'hyparquet/src/indexes.js';
import { compareUtf8 } from '../../core/utf8-order.ts';
import { corrupt, DeltaError } from '../delta-error.ts';
import type { AddFile } from '../log/actions.ts';
import type { TableLocation } from '../log/paths.ts';
import { boundParsers } from '../parquet/codec.ts';
import { openDataFile } from '../parquet/open-data-file.ts';
import type { ParquetFile } from '../parquet/parquet-file.ts';

/** Rows of one file whose ids are read together: a page if the file has a page index, else a row group. */
export interface IdRange {
  path: string;
  file: AsyncBuffer;
  /** Metadata of this row group's id column alone. */
  metadata: FileMetaData;
  /** Within the row group. */
  rowStart: number;
  rowEnd: number;
  /** Position of the page, if the range is one. */
  page: { start: number; end: number } | undefined;
  /** Bounds of the ids, truncated to some bytes; undefined if the file has none. */
  min: string | undefined;
  max: string | undefined;
}

export interface IdRanges {
  ranges: IdRange[];
  /** True for a file sorted by id: each range begins where the previous one ends. */
  areRising: boolean;
}

/** The ranges of a file, by rising row. */
export async function openIdRanges(
  location: TableLocation,
  path: string,
  add: Pick<AddFile, 'size' | 'deletionVector'>,
  idColumn: string,
): Promise<IdRanges> {
  const parquet = await openDataFile(location, path, add);
  if (parquet.metadata.row_groups.length > 0 && !parquet.columns.has(idColumn)) {
    throw corrupt(`data file ${path} has no column ${idColumn}`);
  }
  try {
    return await rangesIn(parquet, path, idColumn);
  } catch (error) {
    if (error instanceof DeltaError || (error instanceof Error && error.name === 'AppError')) throw error;
    throw corrupt(`the page index of ${path} is not readable`, error);
  }
}

async function rangesIn(parquet: ParquetFile, path: string, idColumn: string): Promise<IdRanges> {
  const [root] = parquet.metadata.schema;
  const element = parquet.metadata.schema.find(({ name }, index) => index > 0 && name === idColumn);
  const groups = parquet.metadata.row_groups.map((group) => onlyColumn(group, idColumn));
  const file = await withPageIndex(parquet.file, groups);
  parquet.dropTail();
  const ranges: IdRange[] = [];
  for (const group of groups) {
    if (root === undefined || element === undefined) break;
    const schema = [{ ...root, num_children: 1 }, element];
    const metadata = { ...parquet.metadata, schema, row_groups: [group], num_rows: group.num_rows };
    delete metadata.key_value_metadata;
    for (const range of await rangesOf(file, group, element)) ranges.push({ path, file, metadata, ...range });
  }
  return { ranges, areRising: isRising(ranges) };
}

/** The ranges that may hold the id. */
export function rangesFor({ ranges, areRising }: IdRanges, id: string): IdRange[] {
  const mayHold = ({ min, max }: IdRange): boolean =>
    (min === undefined || compareUtf8(min, id) <= 0) && (max === undefined || compareUtf8(id, max) <= 0);
  if (!areRising) return ranges.filter(mayHold);
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareUtf8((ranges[middle] as IdRange).min ?? '', id) <= 0) low = middle + 1;
    else high = middle;
  }
  // equal ids, or truncated bounds, may extend past a range's edge
  const found: IdRange[] = [];
  for (let at = low - 1; at >= 0 && mayHold(ranges[at] as IdRange); at--) found.push(ranges[at] as IdRange);
  return found;
}

function isRising(ranges: readonly IdRange[]): boolean {
  return ranges.every(({ min, max }, index) => {
    if (min === undefined || max === undefined) return false;
    const before = ranges[index - 1]?.max;
    return before === undefined || compareUtf8(before, min) <= 0;
  });
}

function onlyColumn(group: RowGroup, name: string): RowGroup {
  const columns = group.columns.filter(({ meta_data }) => meta_data?.path_in_schema.join('.') === name);
  return { ...group, columns };
}

/** The file with the page index of the id column at hand, fetched in one request. */
async function withPageIndex(file: AsyncBuffer, groups: readonly RowGroup[]): Promise<AsyncBuffer> {
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const { column_index_offset, offset_index_offset, offset_index_length } of groups.flatMap(
    ({ columns }) => columns,
  )) {
    if (!column_index_offset || !offset_index_offset || !offset_index_length) continue;
    start = Math.min(start, Number(column_index_offset), Number(offset_index_offset));
    end = Math.max(end, Number(offset_index_offset) + offset_index_length);
  }
  // other writers may put other columns' indexes in between: then each is fetched when needed
  if (end === 0 || end - start > 4 * 1024 * 1024) return file;
  const index = await file.slice(start, end);
  return {
    byteLength: file.byteLength,
    slice(from, to = file.byteLength) {
      return from >= start && to <= end ? index.slice(from - start, to - start) : file.slice(from, to);
    },
  };
}

async function rangesOf(
  file: AsyncBuffer,
  group: RowGroup,
  element: SchemaElement,
): Promise<Pick<IdRange, 'rowStart' | 'rowEnd' | 'page' | 'min' | 'max'>[]> {
  const [chunk] = group.columns;
  const rows = Number(group.num_rows);
  const { column_index_offset, column_index_length, offset_index_offset, offset_index_length } = chunk ?? {};
  if (column_index_offset && column_index_length && offset_index_offset && offset_index_length) {
    const read = async (offset: bigint, length: number): Promise<{ view: DataView; offset: number }> => {
      const bytes = await file.slice(Number(offset), Number(offset) + length);
      return { view: new DataView(bytes), offset: 0 };
    };
    const bounds = readColumnIndex(
      await read(column_index_offset, column_index_length),
      element,
      boundParsers,
    );
    const { page_locations: pages } = readOffsetIndex(await read(offset_index_offset, offset_index_length));
    return pages.map(({ first_row_index, offset, compressed_page_size }, page) => ({
      page: { start: Number(offset), end: Number(offset) + compressed_page_size },
      rowStart: Number(first_row_index),
      rowEnd: Number(pages[page + 1]?.first_row_index ?? rows),
      min: asText(bounds.min_values[page]),
      max: asText(bounds.max_values[page]),
    }));
  }
  const { min_value, max_value } = chunk?.meta_data?.statistics ?? {};
  const bounds = { min: asText(min_value), max: asText(max_value) };
  return rows === 0 ? [] : [{ rowStart: 0, rowEnd: rows, page: undefined, ...bounds }];
}

function asText(bound: unknown): string | undefined {
  return typeof bound === 'string' ? bound : undefined;
}

import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type RowGroup,
  type SchemaElement,
} from 'hyparquet';
import { corrupt, DeltaError } from '../delta-error.ts';
import { objectName, type TableLocation } from '../log/paths.ts';
import { mayContainAny } from './bloom-filter.ts';
import { boundParsers, decompressors, parsers } from './codec.ts';
import { decimalText, plainDecimals } from './decimals.ts';
import { type BoundCondition, matchesRow, mayMatchRange } from './filter.ts';
import { checkedPages } from './page-check.ts';

/** Smaller files are read whole, in one request. */
const WHOLE_FILE_BYTES = 256 * 1024;
const FOOTER_BYTES = 64 * 1024;
const MAX_GROUP_ROWS = 100_000_000n;

type Bound = string | number | bigint;

/** A Parquet object whose footer has been read; its rows are read by row group. */
export interface ParquetFile {
  path: string;
  file: AsyncBuffer;
  metadata: FileMetaData;
  /** Top-level columns that the file has. */
  columns: ReadonlySet<string>;
  /** Frees the end of the file, which was read with the footer: for files that stay open. */
  dropTail(): void;
}

/** A row group that may have matching rows. */
export interface RowGroupRange {
  rowStart: number;
  rowEnd: number;
}

/**
 * Opens the file that lies at `path` in the table. Throws `corrupt-table` if it is missing or not Parquet.
 * `size` is the log's; a shorter file is an error.
 */
export async function openParquet(
  location: TableLocation,
  path: string,
  size: number,
  signal?: AbortSignal,
): Promise<ParquetFile> {
  const { file, dropTail } = await objectBuffer(location, path, size, signal);
  try {
    const metadata = await parquetMetadataAsync(file, {
      parsers: boundParsers,
      initialFetchSize: footerBytes(size),
      // no column of ours is one, and the search for them never ends in a schema with a negative number of children
      geoparquet: false,
    });
    checkFooter(metadata, path, size);
    const columns = new Set<string>();
    for (const group of metadata.row_groups) {
      for (const { meta_data } of group.columns)
        if (meta_data) columns.add(meta_data.path_in_schema[0] ?? '');
    }
    return { path, file, metadata, columns, dropTail };
  } catch (error) {
    throw readFailure(path, error);
  }
}

/** The row groups that statistics and bloom filters do not rule out. */
export async function matchingRowGroups(
  { file, metadata, columns }: ParquetFile,
  conditions: readonly BoundCondition[],
): Promise<RowGroupRange[]> {
  if (conditions.some(({ field }) => !columns.has(field.name))) return [];
  const read = async (offset: number, length: number): Promise<ArrayBuffer> =>
    file.slice(offset, offset + length);
  const ranges: RowGroupRange[] = [];
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    let matches = true;
    for (const condition of conditions) {
      matches = matches && (await mayMatchGroup(group, metadata.schema, condition, read));
    }
    if (matches) ranges.push({ rowStart, rowEnd });
    rowStart = rowEnd;
  }
  return ranges;
}

/** Rows of one row group that match, with these columns; those that the file lacks are null. */
export async function readRows(
  { path, file, metadata, columns: present }: ParquetFile,
  { rowStart, rowEnd }: RowGroupRange,
  columns: readonly string[],
  conditions: readonly BoundCondition[] = [],
): Promise<Record<string, unknown>[]> {
  const wanted = new Set([...columns, ...conditions.map(({ field }) => field.name)]);
  const stored = [...wanted].filter((name) => present.has(name));
  const missing = columns.filter((name) => !present.has(name));
  const extra = stored.filter((name) => !columns.includes(name));
  let rows: Record<string, unknown>[];
  // other engines write row groups without rows
  if (rowStart >= rowEnd) return [];
  if (stored.length === 0) {
    rows = Array.from({ length: rowEnd - rowStart }, () => ({}));
  } else {
    try {
      const decimals = plainDecimals(metadata, path, stored);
      rows = await parquetReadObjects({
        file: checkedPages(file, metadata, [groupAt(metadata, rowStart)]),
        metadata: decimals?.metadata ?? metadata,
        columns: stored,
        rowStart,
        rowEnd,
        compressors: decompressors,
        parsers,
        // without it, binary columns would be decoded as text
        utf8: false,
      });
      for (const [name, scale] of decimals?.scales ?? []) {
        for (const row of rows) row[name] = decimalText(row[name], scale);
      }
    } catch (error) {
      throw readFailure(path, error);
    }
  }
  const matching = conditions.length === 0 ? rows : rows.filter((row) => matchesRow(row, conditions));
  for (const row of matching) {
    for (const name of missing) row[name] = null;
    for (const name of extra) delete row[name];
    for (const name in row) row[name] ??= null;
  }
  return matching;
}

function groupAt({ row_groups }: FileMetaData, row: number): RowGroup {
  let end = 0;
  const found = row_groups.find(({ num_rows }) => {
    end += Number(num_rows);
    return row < end;
  });
  if (found) return found;
  throw new RangeError(`row must be at most ${end - 1}, got ${row}`);
}

/** Impossible numbers would make the decoder allocate or loop without end. */
function checkFooter({ num_rows, row_groups }: FileMetaData, path: string, size: number): void {
  let rows = 0n;
  for (const group of row_groups) {
    rows += group.num_rows;
    for (const { meta_data } of group.columns) {
      const start = meta_data?.dictionary_page_offset || meta_data?.data_page_offset || 0n;
      const end = start + (meta_data?.total_compressed_size ?? 0n);
      if (start < 0n || end < start || end > BigInt(size)) {
        throw corrupt(`${path} has a column from byte ${start} to ${end}; the file has ${size} bytes`);
      }
    }
    if (group.num_rows < 0n || group.num_rows > MAX_GROUP_ROWS) {
      throw corrupt(
        `${path} has a row group of ${group.num_rows} rows; at most ${MAX_GROUP_ROWS} are supported`,
      );
    }
  }
  if (rows !== num_rows)
    throw corrupt(`${path} has ${rows} rows in its row groups; its footer says ${num_rows}`);
}

async function mayMatchGroup(
  group: RowGroup,
  schema: SchemaElement[],
  condition: BoundCondition,
  read: (offset: number, length: number) => Promise<ArrayBuffer>,
): Promise<boolean> {
  const { name, type } = condition.field;
  const chunk = group.columns.find(
    ({ meta_data }) => meta_data?.path_in_schema.join('.') === name,
  )?.meta_data;
  const element = schema.find((candidate, index) => index > 0 && candidate.name === name);
  if (chunk === undefined || element === undefined) return true;
  const { min_value, max_value } = chunk.statistics ?? {};
  // the bounds of binary columns and floats have rules of their own, and are seldom asked for
  const isOrdered = type !== 'binary' && type !== 'boolean' && type !== 'double' && type !== 'float';
  if (isOrdered && !mayMatchRange(condition, asBound(min_value), asBound(max_value))) return false;
  // 0 and -0 are equal, and differ in a bloom filter
  const isFloat = type === 'double' || type === 'float';
  return condition.anyOf === undefined || isFloat || mayContainAny(read, chunk, element, condition.anyOf);
}

function asBound(value: unknown): Bound | undefined {
  const isBound = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
  return isBound ? value : undefined;
}

/** The object as hyparquet reads it: its tail is fetched once, the rest in ranges as they are asked for. */
async function objectBuffer(
  { store, path: folder }: TableLocation,
  path: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<{ file: AsyncBuffer; dropTail(): void }> {
  const name = objectName({ store, path: folder }, path);
  const fetchRange = async (start: number, end: number): Promise<ArrayBuffer> => {
    const bytes = await store.getRange(name, start, end - start, { signal });
    if (bytes === undefined) {
      // expected for an old version, so not corruption
      throw corrupt(
        `data file ${path} is in the log but not in storage: vacuum deletes what only old versions need`,
      );
    }
    if (bytes.length < end - start) {
      throw corrupt(`data file ${path} ends at byte ${start + bytes.length}; the log says ${size} bytes`);
    }
    const isWhole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
    // slice would give a view of a Buffer, whose memory is shared
    return (isWhole ? bytes.buffer : new Uint8Array(bytes).buffer) as ArrayBuffer;
  };
  if (size < 12) throw corrupt(`data file ${path} must have at least 12 bytes, got ${size} in the log`);
  const tailStart = size <= WHOLE_FILE_BYTES ? 0 : size - footerBytes(size);
  let tail: ArrayBuffer | undefined = await fetchRange(tailStart, size);
  const file: AsyncBuffer = {
    byteLength: size,
    slice(start, end = size) {
      if (tail === undefined || start < tailStart) return fetchRange(start, end);
      return tail.slice(start - tailStart, end - tailStart);
    },
  };
  const dropTail = (): void => {
    // small files are kept whole
    if (tailStart > 0) tail = undefined;
  };
  return { file, dropTail };
}

/** Footers grow with the row groups, bloom filters lie before them. */
function footerBytes(size: number): number {
  return Math.min(Math.max(FOOTER_BYTES, Math.ceil(size / 200)), 1024 * 1024);
}

function readFailure(path: string, error: unknown): unknown {
  // storage failures and our own errors are informative; anything else is hyparquet's complaint about the bytes
  if (error instanceof DeltaError || (error instanceof Error && error.name === 'AppError')) return error;
  return corrupt(`${path} is not readable Parquet: ${error instanceof Error ? error.message : error}`, error);
}

import {
  type AsyncBuffer,
  type ColumnMetaData,
  type FileMetaData,
  parquetSchema,
  type RowGroup,
} from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getTreePath } from 'hyparquet/src/schema.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import { decompressors } from './codec.ts';

type PageHeader = ReturnType<typeof parquetHeader>;
type HeaderV2 = NonNullable<PageHeader['data_page_header_v2']>;

interface Chunk {
  start: number;
  end: number;
  meta: ColumnMetaData;
  /** Maximum number of values it can have. */
  values: number;
  repetitionBits: number;
  definitionBits: number;
}

/**
 * The file with a check of each page of these row groups before it is decoded: the decoder repeats a value as often
 * as a page says, and a damaged page says so for minutes, or until memory is full. Throws RangeError. The contents
 * of version 1 pages, which other engines write, are not checked.
 */
export function checkedPages(
  file: AsyncBuffer,
  metadata: FileMetaData,
  groups: readonly RowGroup[],
): AsyncBuffer {
  const chunks = chunksOf(metadata, groups);
  return {
    byteLength: file.byteLength,
    async slice(start, end = file.byteLength) {
      const bytes = await file.slice(start, end);
      for (const chunk of chunks) {
        const from = Math.max(start, chunk.start);
        const to = Math.min(start + bytes.byteLength, chunk.end);
        if (from < to) checkPages(new DataView(bytes, from - start, to - from), chunk);
      }
      return bytes;
    },
  };
}

function chunksOf(metadata: FileMetaData, groups: readonly RowGroup[]): Chunk[] {
  const tree = parquetSchema(metadata);
  return groups.flatMap(({ columns, num_rows }) =>
    columns.flatMap(({ meta_data: meta }): Chunk[] => {
      if (meta === undefined) return [];
      const path = getTreePath(tree, meta.path_in_schema);
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
      const repetition = getMaxRepetitionLevel(path);
      return [
        {
          start,
          end: start + Number(meta.total_compressed_size),
          meta,
          // a list has any number of values in a row
          values: Number(repetition === 0 ? num_rows : meta.num_values),
          repetitionBits: bitsOf(repetition),
          definitionBits: bitsOf(getMaxDefinitionLevel(path)),
        },
      ];
    }),
  );
}

/** `view` begins with a page. */
function checkPages(view: DataView, chunk: Chunk): void {
  const reader = { view, offset: 0 };
  let left = chunk.values;
  while (left > 0 && reader.offset < view.byteLength - 1) {
    const header = parquetHeader(reader);
    const { compressed_page_size: size, data_page_header_v2: v2 } = header;
    within(size, view.byteLength - reader.offset, 'bytes of a page');
    const page = new DataView(view.buffer, view.byteOffset + reader.offset, size);
    reader.offset += size;
    if (header.type === 'DATA_PAGE_V2' && v2) checkV2(page, header, v2, chunk);
    const values = (v2 ?? header.data_page_header ?? header.dictionary_page_header)?.num_values;
    const isDictionary = header.type === 'DICTIONARY_PAGE';
    // a dictionary may hold more than its rows use, each value a byte at least
    within(values, isDictionary ? header.uncompressed_page_size : left, 'values of a page');
    if (!isDictionary) left -= values;
  }
}

function checkV2(page: DataView, header: PageHeader, v2: HeaderV2, chunk: Chunk): void {
  const { num_values, num_nulls, encoding } = v2;
  within(num_values, chunk.values, 'values of a page');
  within(num_nulls, num_values, 'nulls of a page');
  const repetitionBytes = v2.repetition_levels_byte_length;
  const definitionBytes = v2.definition_levels_byte_length;
  within(repetitionBytes, page.byteLength, 'bytes of levels');
  within(definitionBytes, page.byteLength - repetitionBytes, 'bytes of levels');
  const levels = repetitionBytes + definitionBytes;
  checkRuns(part(page, 0, repetitionBytes), chunk.repetitionBits, num_values);
  checkRuns(part(page, repetitionBytes, levels), chunk.definitionBits, num_values);
  const isIndex = encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY';
  if (!isIndex && encoding !== 'RLE') return;
  const stored = new Uint8Array(page.buffer, page.byteOffset + levels, page.byteLength - levels);
  const size = header.uncompressed_page_size - levels;
  const data =
    v2.is_compressed === false ? stored : decompressPage(stored, size, chunk.meta.codec, decompressors);
  const values = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = num_values - num_nulls;
  if (isIndex) checkRuns(part(values, 1, values.byteLength), values.getUint8(0), count);
  else checkRuns(part(values, 4, values.byteLength), 1, count);
}

/** A hybrid of runs and of packed groups of eight ("RLE/Bit-Packing Hybrid") that holds `count` values. */
function checkRuns(view: DataView, bits: number, count: number): void {
  if (bits === 0) return;
  within(bits, 32, 'bits of a value');
  const reader = { view, offset: 0 };
  for (let seen = 0; seen < count; ) {
    const run = readVarInt(reader);
    const length = run >>> 1;
    const isPacked = (run & 1) === 1;
    within(length, isPacked ? Math.ceil(count / 8) : count, 'values of a run');
    seen += isPacked ? length * 8 : length;
    reader.offset += isPacked ? length * bits : Math.ceil(bits / 8);
  }
}

function part(view: DataView, start: number, end: number): DataView {
  return new DataView(view.buffer, view.byteOffset + start, end - start);
}

function bitsOf(level: number): number {
  return 32 - Math.clz32(level);
}

function within(value: number | undefined, most: number, what: string): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most) return;
  throw new RangeError(`${what} must be 0 to ${most}, got ${value}`);
}

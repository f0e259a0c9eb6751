import type { ColumnMetaData, SchemaElement } from 'hyparquet';
import { hashParquetValue, readBloomFilter, sbbfContains } from 'hyparquet/src/bloom.js';

export type ReadRange = (offset: number, length: number) => Promise<ArrayBuffer>;

/**
 * False only if the column chunk's split-block bloom filter proves that none of the values is there.
 * One small read; none if the chunk has no filter.
 */
export async function mayContainAny(
  read: ReadRange,
  chunk: ColumnMetaData,
  element: SchemaElement,
  values: readonly unknown[],
): Promise<boolean> {
  const { bloom_filter_offset: offset, bloom_filter_length: length } = chunk;
  if (!offset || !length) return true;
  const hashes = values.map((value) => hashParquetValue(value, element));
  const filter = readBloomFilter({ view: new DataView(await read(Number(offset), length)), offset: 0 });
  if (filter === undefined) return true;
  return hashes.some((hash) => hash === undefined || sbbfContains(filter.blocks, hash));
}

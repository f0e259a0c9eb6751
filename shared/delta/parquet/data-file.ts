import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { DeltaError } from '../delta-error.ts';
import { type Field, type Row, toParquetSchema, toStored, writableFields } from '../log/schema.ts';
import { mergeStats, type StoredColumn, statsOf } from '../log/stats.ts';
import { type Codec, compressors, DEFAULT_CODEC, parquetCodec } from './codec.ts';

export interface DataFileOptions {
  codec?: Codec;
  /** Rows of a row group. Default 50,000. */
  rowGroupRows?: number;
  /** The rows are sorted by it. It gets bloom filters and a page index: a look-up then reads one page, or none. */
  idColumn?: string | undefined;
  /** A text in the footer, under this key. */
  note?: { key: string; value: string } | undefined;
}

export interface DataFile {
  body: Uint8Array;
  /** The `stats` text of its `add`. */
  stats: string;
  rows: number;
}

const CREATED_BY = 'event-pipeline delta (hyparquet-writer)';
/** Long enough for the ids: statistics of 16 bytes, the writer's default, would be cut. */
const STATISTICS_BYTES = 64;

/**
 * A Parquet data file of these rows, in their order. Throws `schema-mismatch` for a value that does not fit its
 * column and for an unknown member.
 */
export function writeDataFile(
  fields: readonly Field[],
  rows: readonly Row[],
  options: DataFileOptions = {},
): DataFile {
  return writeStoredFile(fields, toColumns(fields, rows), options);
}

/** The same from columns whose values are in stored form already. */
export function writeStoredFile(
  fields: readonly Field[],
  columns: readonly StoredColumn[],
  options: DataFileOptions = {},
): DataFile {
  const written = writableFields(fields);
  const stored = columns.filter((_, index) => written.includes(fields[index] as Field));
  const body = encodeParquet(toParquetSchema(written), columnSources(written, stored, options), options);
  return { body, stats: statsOf(written, stored), rows: columns[0]?.length ?? 0 };
}

/** Rows turned into stored columns, each value checked. */
export function toColumns(fields: readonly Field[], rows: readonly Row[]): StoredColumn[] {
  const names = new Set(fields.map((field) => field.name));
  for (const row of rows) {
    for (const name in row) {
      if (!names.has(name))
        throw new DeltaError('schema-mismatch', `a row has ${name}, which is not a column of the table`);
    }
  }
  return fields.map((field) => rows.map((row) => toStored(row[field.name], field)));
}

/** A data file written a row group at a time, so that only one has to be held as rows. */
export class DataFileWriter {
  readonly #writer = new ByteWriter();
  readonly #parquet: ParquetWriter;
  readonly #stats: string[] = [];
  #rows = 0;

  readonly #fields: readonly Field[];

  /** Rows may name columns that are not written if they are null. */
  readonly #all: readonly Field[];
  readonly #options: DataFileOptions;

  constructor(all: readonly Field[], options: DataFileOptions = {}) {
    this.#all = all;
    this.#options = options;
    this.#fields = writableFields(all);
    this.#parquet = newParquet(this.#writer, toParquetSchema(this.#fields), options);
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#writer.offset;
  }

  /** Adds one row group. */
  write(rows: readonly Row[]): void {
    const columns = toColumns(this.#all, rows).filter((_, index) =>
      this.#fields.includes(this.#all[index] as Field),
    );
    const columnData = columnSources(this.#fields, columns, this.#options);
    this.#parquet.write({ columnData, rowGroupSize: rows.length, pageSize: pageSizeOf(this.#options) });
    this.#stats.push(statsOf(this.#fields, columns));
    this.#rows += rows.length;
  }

  finish(): DataFile {
    this.#parquet.finish();
    return { body: this.#writer.getBytes(), stats: mergeStats(this.#fields, this.#stats), rows: this.#rows };
  }
}

/** Any columns as the bytes of a Parquet file. */
export function encodeParquet(
  schema: SchemaElement[],
  columnData: ColumnSource[],
  options: DataFileOptions,
): Uint8Array {
  const writer = new ByteWriter();
  const parquet = newParquet(writer, schema, options);
  const { rowGroupRows = 50_000 } = options;
  parquet.write({ columnData, rowGroupSize: rowGroupRows, pageSize: pageSizeOf(options) });
  parquet.finish();
  return writer.getBytes();
}

/** Small pages cost sorted files nothing measurable, and are what a look-up has to read. */
function pageSizeOf({ idColumn }: DataFileOptions): number {
  return idColumn === undefined ? 1024 * 1024 : 16 * 1024;
}

function newParquet(
  writer: ByteWriter,
  schema: SchemaElement[],
  { codec = DEFAULT_CODEC, note }: DataFileOptions,
): ParquetWriter {
  return new ParquetWriter({
    writer,
    schema,
    codec: parquetCodec(codec),
    compressors,
    statisticsTruncateLength: STATISTICS_BYTES,
    createdBy: CREATED_BY,
    ...(note && { kvMetadata: [note] }),
  });
}

function columnSources(
  fields: readonly Field[],
  columns: readonly StoredColumn[],
  { idColumn, codec = DEFAULT_CODEC }: DataFileOptions,
): ColumnSource[] {
  return fields.map((field, index) => {
    const data = (columns[index] ?? []) as ColumnSource['data'];
    if (idColumn === undefined) return { name: field.name, data };
    // sorted by ids, which are like random numbers: other columns' bounds would rule nothing out
    if (field.name !== idColumn) return { name: field.name, data, statistics: false, offsetIndex: false };
    // ids do not repeat: a dictionary would be one more thing to read
    const id: ColumnSource = {
      name: field.name,
      data,
      bloomFilter: true,
      columnIndex: true,
      encoding: 'PLAIN',
    };
    // snappy cannot compress digests in hex, and is slow on them
    return codec === 'snappy' ? { ...id, codec: 'UNCOMPRESSED' } : id;
  });
}

import { parquetReadColumn } from 'hyparquet/src/read.js';
import { mapConcurrent } from '../../core/map-concurrent.ts';
import { corrupt, DeltaError } from '../delta-error.ts';
import type { AddFile } from '../log/actions.ts';
import type { TableLocation } from '../log/paths.ts';
import type { Field } from '../log/schema.ts';
import { decompressors, parsers } from '../parquet/codec.ts';
import { bindFilter, mayMatchFile } from '../parquet/filter.ts';
import { checkedPages } from '../parquet/page-check.ts';
import { ByteSet, findInPage } from '../parquet/plain-page.ts';
import { type IdRange, type IdRanges, openIdRanges, rangesFor } from './id-ranges.ts';

/** A page is some 16 KB: latency dominates its read. */
const PARALLEL_READS = 256;
const OPEN_FILES = 64;
const NOTHING = new Uint8Array(0);

/** An id that may be in a file of the table. */
export interface IdCandidate {
  id: string;
  path: string;
  add: AddFile;
}

/**
 * Reads the id column of data files: all of it, or only the pages that could hold given ids. Page indexes are
 * kept, since data files never change.
 */
export class IdLookup {
  readonly #opened = new Map<string, Promise<IdRanges>>();

  readonly #location: TableLocation;
  readonly #idColumn: string;

  constructor(location: TableLocation, idColumn: string) {
    this.#location = location;
    this.#idColumn = idColumn;
  }

  /** Every id of the file. */
  async idsOf(path: string, add: AddFile): Promise<string[]> {
    const ids: string[] = [];
    let group: { metadata: IdRange['metadata'] | undefined } = { metadata: undefined };
    const { ranges } = await this.#open(path, add);
    for (const range of ranges) {
      // the ranges of one row group share its metadata: it is read once, whole
      if (group.metadata === range.metadata) continue;
      group = range;
      const rowEnd = Number(range.metadata.num_rows);
      for (const bytes of await this.#read({ ...range, rowStart: 0, rowEnd })) ids.push(asText(bytes));
    }
    return ids;
  }

  /** Those of the ids that their files contain. Pages are read in parallel. */
  async findLive(candidates: readonly IdCandidate[]): Promise<Set<string>> {
    const field: Field = { name: this.#idColumn, type: 'string', nullable: false, metadata: {} };
    const byFile = new Map<string, { add: AddFile; ids: string[] }>();
    for (const { id, path, add } of candidates) {
      const conditions = bindFilter({ [this.#idColumn]: { eq: id } }, [field]);
      if (!mayMatchFile(add.stats, conditions)) continue;
      const entry = byFile.get(path) ?? { add, ids: [] };
      entry.ids.push(id);
      byFile.set(path, entry);
    }
    const wanted = new Map<IdRange, string[]>();
    await mapConcurrent([...byFile], PARALLEL_READS, async ([path, { add, ids }]) => {
      const ranges = await this.#open(path, add);
      for (const id of ids) {
        for (const range of rangesFor(ranges, id)) {
          const sought = wanted.get(range);
          if (sought) sought.push(id);
          else wanted.set(range, [id]);
        }
      }
    });
    const live = new Set<string>();
    await mapConcurrent([...wanted], PARALLEL_READS, async ([range, ids]) => {
      for (const id of await this.#search(range, new ByteSet(ids))) live.add(id);
    });
    return live;
  }

  #open(path: string, add: AddFile): Promise<IdRanges> {
    const known = this.#opened.get(path);
    this.#opened.delete(path);
    const opening = known ?? openIdRanges(this.#location, path, add, this.#idColumn);
    this.#opened.set(path, opening);
    opening.catch(() => this.#opened.delete(path));
    for (const oldest of this.#opened.keys()) {
      if (this.#opened.size <= OPEN_FILES) break;
      this.#opened.delete(oldest);
    }
    return opening;
  }

  async #search(range: IdRange, sought: ByteSet): Promise<string[]> {
    const codec = range.metadata.row_groups[0]?.columns[0]?.meta_data?.codec;
    if (range.page && codec) {
      const bytes = await range.file.slice(range.page.start, range.page.end);
      try {
        const found = findInPage(bytes, codec, sought);
        if (found) return found;
      } catch (error) {
        throw corrupt(`column ${this.#idColumn} of ${range.path} is not readable`, error);
      }
    }
    return (await this.#read(range)).flatMap((value) => sought.match(value) ?? []);
  }

  /** The ids as bytes: hundreds are read to find one, so they are not converted to text. */
  async #read({ path, file, metadata, rowStart, rowEnd }: IdRange): Promise<Uint8Array[]> {
    try {
      const values = await parquetReadColumn({
        file: checkedPages(file, metadata, metadata.row_groups),
        metadata,
        columns: [this.#idColumn],
        rowStart,
        rowEnd,
        useOffsetIndex: true,
        compressors: decompressors,
        parsers: { ...parsers, stringFromBytes: (bytes: Uint8Array) => bytes },
      });
      return Array.from(values as ArrayLike<Uint8Array | null>, (value) => value ?? NOTHING);
    } catch (error) {
      if (error instanceof DeltaError || (error instanceof Error && error.name === 'AppError')) throw error;
      throw corrupt(`column ${this.#idColumn} of ${path} is not readable`, error);
    }
  }
}

function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

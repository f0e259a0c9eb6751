import { parquetReadColumn } from 'hyparquet/src/read.js';
import type { AddFile } from './actions.ts';
import { corrupt, DeltaError } from './delta-error.ts';
import { bindFilter, mayMatchFile } from './filter.ts';
import type { TableLocation } from './log-path.ts';
import { mapConcurrent } from './map-concurrent.ts';
import { decompressors, parsers } from './parquet-codec.ts';
import { openParquet, type ParquetFile, type RowGroupRange, rowGroupsInRange } from './parquet-file.ts';
import type { Field } from './schema.ts';

const PARALLEL_READS = 16;
const OPEN_FILES = 64;

/** An id that may be in a file of the table. */
export interface IdCandidate {
  id: string;
  path: string;
  add: AddFile;
}

/**
 * Reads the id column of data files: all of it, or only the row groups that could hold given ids. Footers
 * are kept, since data files never change.
 */
export class IdLookup {
  private readonly opened = new Map<string, Promise<ParquetFile>>();

  constructor(
    private readonly location: TableLocation,
    private readonly idColumn: string,
  ) {}

  /** Every id of the file. */
  async idsOf(path: string, add: AddFile): Promise<string[]> {
    refuseDeletionVector(path, add);
    const parquet = await this.open(path, add.size);
    const rowEnd = Number(parquet.metadata.num_rows);
    return rowEnd === 0 ? [] : this.column(parquet, { rowStart: 0, rowEnd });
  }

  /** Those of the ids that are in the files named for them. Row groups are read in parallel. */
  async findLive(candidates: readonly IdCandidate[]): Promise<Set<string>> {
    const field: Field = { name: this.idColumn, type: 'string', nullable: false, metadata: {} };
    const byFile = new Map<string, { add: AddFile; ids: string[] }>();
    for (const { id, path, add } of candidates) {
      const [condition] = bindFilter({ [this.idColumn]: { eq: id } }, [field]);
      if (condition && !mayMatchFile(add.stats, [condition])) continue;
      const entry = byFile.get(path) ?? { add, ids: [] };
      entry.ids.push(id);
      byFile.set(path, entry);
    }
    const live = new Set<string>();
    const groups = await mapConcurrent([...byFile], PARALLEL_READS, async ([path, { add, ids }]) => {
      refuseDeletionVector(path, add);
      const parquet = await this.open(path, add.size);
      return rowGroupsInRange(parquet, this.idColumn, ids).map((range) => ({ parquet, range, ids }));
    });
    await mapConcurrent(groups.flat(), PARALLEL_READS, async ({ parquet, range, ids }) => {
      const stored = new Set(await this.column(parquet, range));
      for (const id of ids) if (stored.has(id)) live.add(id);
    });
    return live;
  }

  private open(path: string, size: number): Promise<ParquetFile> {
    const known = this.opened.get(path);
    this.opened.delete(path);
    const opening = known ?? openParquet(this.location, path, size);
    this.opened.set(path, opening);
    opening.catch(() => this.opened.delete(path));
    for (const oldest of this.opened.keys()) {
      if (this.opened.size <= OPEN_FILES) break;
      this.opened.delete(oldest);
    }
    return opening;
  }

  private async column(parquet: ParquetFile, { rowStart, rowEnd }: RowGroupRange): Promise<string[]> {
    const { path, file, metadata } = parquet;
    if (!parquet.columns.has(this.idColumn))
      throw corrupt(`data file ${path} has no column ${this.idColumn}`);
    try {
      const values = await parquetReadColumn({
        file,
        metadata,
        columns: [this.idColumn],
        rowStart,
        rowEnd,
        compressors: decompressors,
        parsers,
      });
      return Array.from(values as ArrayLike<string | null>, (value) => value ?? '');
    } catch (error) {
      if (error instanceof DeltaError || (error instanceof Error && error.name === 'AppError')) throw error;
      throw corrupt(`column ${this.idColumn} of ${path} is not readable`, error);
    }
  }
}

function refuseDeletionVector(path: string, add: AddFile): void {
  if (add.deletionVector === undefined) return;
  throw new DeltaError('unsupported-table', `data file ${path} has a deletion vector, which is not read`);
}

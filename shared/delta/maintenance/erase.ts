import { type Clock, systemClock } from '../../core/clock.ts';
import { mapConcurrent } from '../../core/map-concurrent.ts';
import { DeltaError } from '../delta-error.ts';
import { type CommitOptions, putCommit } from '../log/commit.ts';
import { rewriteConflict } from '../log/conflict.ts';
import { decodeDataPath, type TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import { fileRetentionMs, logRetentionMs } from '../log/table-properties.ts';
import { type BoundCondition, bindFilter, type Filter, mayMatchFile } from '../parquet/filter.ts';
import { catchUp, type Snapshot } from '../snapshot/snapshot.ts';
import { eraseCommit } from './erase-commit.ts';
import { countMatches, type ErasedFile, eraseFromFile } from './erase-file.ts';

export interface EraseOptions {
  /**
   * Why the rows are erased, for readers of the history. It is stored in the log as given and outlives the rows, so it
   * must not hold personal data.
   */
  reason: string;
  /** Requester; stored in the log. */
  by?: string;
  /** Only counts. */
  dryRun?: boolean;
  onProgress?: (progress: EraseProgress) => void;
  clock?: Clock;
  commit?: CommitOptions;
  signal?: AbortSignal | undefined;
}

export interface EraseProgress {
  filesSeen: number;
  /** Number of known files to examine. */
  filesToSee: number;
  /** Matching rows found. */
  rows: number;
  filesRewritten: number;
}

export interface EraseOutcome {
  /** Rows erased, or that would be. */
  rows: number;
  /** Files that held them. */
  files: number;
  /** Rows of those files that were copied. */
  rowsCopied: number;
  /** Bytes of the new files. */
  bytesWritten: number;
  /** Versions committed: one; more if matching rows arrived meanwhile; none if nothing matched. */
  versions: number[];
  /** Vacuum deletes the old files after this time; until then older versions show the rows; undefined if never. */
  filesUntil: Date | undefined;
  /** Log clean-up deletes the old files' statistics, which quote values, after this time; undefined if never. */
  logUntil: Date | undefined;
  /** False if matching rows still arrived after the last commit: erase again. */
  isComplete: boolean;
}

/** Maximum commits of one call, so that a stream of matching rows cannot keep it running. */
const MAX_COMMITS = 3;
const FILES_AT_A_TIME = 8;

/** The part of a `DeltaTable` that erasure needs. */
export interface ErasableTable {
  readonly location: TableLocation;
  snapshot(choice: { signal?: AbortSignal | undefined }): Promise<Snapshot>;
}

/**
 * Removes all rows that match the filter: the files that contain some are rewritten without them, one at a time,
 * and replaced in one commit (operation DELETE, which names the filter's columns but none of its values). Conflicts
 * are resolved as in compaction: it continues after any other writer's commit, and if one of its inputs was removed
 * meanwhile, only that file's replacements are examined again. Nothing is visible before the commit: a killed call
 * leaves the table unchanged, and the next one starts over. Matching rows that arrive meanwhile are erased by
 * another commit.
 *
 * An erased id is absent: if its event is redelivered or replayed, it enters the table again.
 *
 * Throws `schema-mismatch` for a filter that matches everything or names no column, and what reading and writing
 * the table throws.
 */
export async function eraseRows(
  table: ErasableTable,
  filter: Filter,
  options: EraseOptions,
): Promise<EraseOutcome> {
  const snapshot = await table.snapshot({ signal: options.signal });
  return new Erasure(table.location, snapshot, filter, options).run();
}

class Erasure {
  readonly #clock: Clock;
  /** Live files that were examined. */
  readonly #seen = new Set<string>();
  /** Files that hold matching rows, with their replacements once they are rewritten. */
  readonly #found = new Map<string, { rows: number; erased?: ErasedFile }>();
  readonly #progress: EraseProgress = { filesSeen: 0, filesToSee: 0, rows: 0, filesRewritten: 0 };
  readonly #done: ErasedFile[] = [];
  readonly #versions: number[] = [];
  #conditions: BoundCondition[];

  readonly #location: TableLocation;
  readonly #snapshot: Snapshot;
  readonly #filter: Filter;
  readonly #options: EraseOptions;

  constructor(location: TableLocation, snapshot: Snapshot, filter: Filter, options: EraseOptions) {
    this.#location = location;
    this.#snapshot = snapshot;
    this.#filter = filter;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#conditions = this.#bind();
  }

  async run(): Promise<EraseOutcome> {
    for (;;) {
      await this.#examine();
      if (this.#options.dryRun || this.#found.size === 0) return this.#outcome(true);
      if (this.#versions.length === MAX_COMMITS) return this.#outcome(false);
      await this.#rewrite();
      // before the commit, examine what arrived meanwhile, so that one commit is usually enough
      await catchUp(this.#location, this.#snapshot, undefined, this.#options.signal);
      await this.#examine();
      await this.#rewrite();
      await this.#commit();
    }
  }

  /** Examines live files not seen yet, and forgets those that are gone. */
  async #examine(): Promise<void> {
    const { files } = this.#snapshot;
    for (const path of this.#found.keys()) if (!files.has(path)) this.#found.delete(path);
    const unseen = [...files].filter(([path]) => !this.#seen.has(path));
    for (const [path] of unseen) this.#seen.add(path);
    const candidates = unseen.filter(([, add]) => mayMatchFile(add.stats, this.#conditions));
    this.#progress.filesToSee += candidates.length;
    await mapConcurrent(candidates, FILES_AT_A_TIME, async ([path, add]) => {
      const rows = await countMatches(this.#location, path, add, this.#conditions, this.#options.signal);
      if (rows > 0) this.#found.set(path, { rows });
      this.#progressed({ filesSeen: 1, rows });
    });
  }

  /** One file at a time, since a whole new file is in memory. */
  async #rewrite(): Promise<void> {
    const clock = this.#clock;
    const location = this.#location;
    const snapshot = this.#snapshot;
    const { signal } = this.#options;
    for (const [path, entry] of this.#found) {
      const add = snapshot.files.get(path);
      if (entry.erased || add === undefined) continue;
      entry.erased = await eraseFromFile(location, snapshot, path, add, this.#conditions, { clock, signal });
      this.#progressed({ filesRewritten: 1 });
    }
  }

  /** Returns without a commit if an input was removed or the schema changed: the caller must examine again. */
  async #commit(): Promise<void> {
    const files = [...this.#found.values()].flatMap(({ erased }) => erased ?? []);
    if (files.length === 0) return;
    const { reason, by } = this.#options;
    const now = Math.trunc(this.#clock.now());
    const { info, actions, adds, removes } = eraseCommit(files, this.#conditions, { reason, by, now });
    const paths = new Set(files.map(({ path }) => path));
    for (;;) {
      const version = this.#snapshot.version + 1;
      const outcome = await putCommit(this.#location, version, info, actions, {
        clock: this.#clock,
        signal: this.#options.signal,
        ...this.#options.commit,
      });
      if (outcome.kind === 'committed') {
        const nothing = { protocol: undefined, metadata: undefined, txns: [] };
        this.#snapshot.apply({ version, commitInfo: info, adds, removes, ...nothing });
        this.#versions.push(version);
        for (const { outputs } of files)
          for (const output of outputs) this.#seen.add(decodeDataPath(output.path));
        this.#done.push(...files);
        this.#found.clear();
        await catchUp(this.#location, this.#snapshot, undefined, this.#options.signal);
        return;
      }
      const reasonToStop = rewriteConflict(outcome.winner, paths);
      this.#snapshot.apply(outcome.winner);
      if (reasonToStop === undefined) continue;
      if (reasonToStop !== 'input-removed') this.#startOver();
      return;
    }
  }

  /** After a change of columns: files rewritten before it may lack some. */
  #startOver(): void {
    this.#conditions = this.#bind();
    this.#seen.clear();
    this.#found.clear();
    Object.assign(this.#progress, { filesSeen: 0, filesToSee: 0, rows: 0, filesRewritten: 0 });
  }

  #bind(): BoundCondition[] {
    checkWritable(this.#snapshot.protocol, this.#snapshot.metadata);
    const conditions = bindFilter(this.#filter, this.#snapshot.fields).filter(
      ({ anyOf, above, below }) => anyOf ?? above ?? below,
    );
    const limited = new Set(conditions.map(({ field }) => field.name));
    const columns = Object.keys(this.#filter);
    if (columns.length > 0 && columns.every((name) => limited.has(name))) return conditions;
    throw new DeltaError('schema-mismatch', 'a filter to erase by must limit each column that it names');
  }

  #progressed(more: Partial<EraseProgress>): void {
    for (const key of Object.keys(more) as (keyof EraseProgress)[]) this.#progress[key] += more[key] ?? 0;
    this.#options.onProgress?.({ ...this.#progress });
  }

  #outcome(isComplete: boolean): EraseOutcome {
    const { metadata } = this.#snapshot;
    const now = this.#clock.now();
    const counted = this.#options.dryRun ? [...this.#found.values()] : [];
    const sum = (of: (file: ErasedFile) => number): number =>
      this.#done.reduce((total, file) => total + of(file), 0);
    return {
      rows: sum(({ rowsErased }) => rowsErased) + counted.reduce((total, { rows }) => total + rows, 0),
      files: this.#done.length + counted.length,
      rowsCopied: sum(({ rowsCopied }) => rowsCopied),
      bytesWritten: sum(({ outputs }) => outputs.reduce((bytes, { size }) => bytes + size, 0)),
      versions: this.#versions,
      filesUntil: dateAfter(now, fileRetentionMs(metadata)),
      logUntil: dateAfter(now, logRetentionMs(metadata)),
      isComplete,
    };
  }
}

/** Undefined for a retention without end. */
function dateAfter(now: number, ms: number): Date | undefined {
  return Number.isFinite(ms) ? new Date(now + ms) : undefined;
}

import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { DeltaError } from './delta-error.ts';
import type { Metadata } from './log/actions.ts';
import { newCommitInfo, putCommit } from './log/commit.ts';
import { type HistoryEntry, readHistory } from './log/history.ts';
import { logFiles } from './log/listing.ts';
import type { TableLocation } from './log/paths.ts';
import { checkReadable, checkWritable, OUR_PROTOCOL } from './log/protocol.ts';
import { type Column, type Row, schemaStringOf, withColumns } from './log/schema.ts';
import { STALE_MS } from './log/table-properties.ts';
import { versionAt } from './log/time-travel.ts';
import { type CheckpointOutcome, writeCheckpoint } from './maintenance/checkpoint.ts';
import { type CompactionOptions, type CompactionOutcome, compact } from './maintenance/compaction.ts';
import { type CleanupOptions, type CleanupOutcome, cleanUpLog } from './maintenance/log-cleanup.ts';
import { type VacuumOptions, type VacuumOutcome, vacuum } from './maintenance/vacuum.ts';
import { type AppendOptions, type AppendOutcome, appendRows } from './snapshot/append.ts';
import { type ScannedRow, type ScanOptions, scan } from './snapshot/scan.ts';
import { catchUp, loadSnapshot, Snapshot } from './snapshot/snapshot.ts';

export interface TableOptions {
  clock?: Clock;
}

export interface CreateOptions extends TableOptions {
  columns: readonly Column[];
  name?: string;
  description?: string;
  /** Table properties, such as `delta.appendOnly`. */
  configuration?: Readonly<Record<string, string>>;
}

/** Chooses a version of the table. Default: the newest. */
export interface VersionChoice {
  version?: number;
  /** The version that was the newest at this time. */
  asOf?: Date;
  signal?: AbortSignal | undefined;
}

/**
 * A Delta Lake table in a folder of an object store (PROTOCOL.md of delta-io/delta). Reads tables of reader
 * version 1, and of version 3 if its features require nothing more of readers; writes tables of versions 1 and 2.
 */
export class DeltaTable {
  #last: Promise<unknown> = Promise.resolve();
  /** When the head was last known to be the newest version. */
  #seenAt: number;

  #head: Snapshot;
  readonly #clock: Clock;

  private constructor(
    readonly location: TableLocation,
    head: Snapshot,
    clock: Clock,
  ) {
    this.#head = head;
    this.#clock = clock;
    this.#seenAt = clock.now();
  }

  /** Throws `table-not-found`, `corrupt-table` or `unsupported-table`. `path` is the table's folder. */
  static async open(store: ObjectStore, path: string, options: TableOptions = {}): Promise<DeltaTable> {
    const location = locate(store, path);
    return new DeltaTable(location, await loadSnapshot(location), options.clock ?? systemClock);
  }

  /** Creates version 0 of a new table. Throws `table-exists`. */
  static async create(store: ObjectStore, path: string, options: CreateOptions): Promise<DeltaTable> {
    const { columns, name, description, configuration = {}, clock = systemClock } = options;
    const location = locate(store, path);
    // the name of version 0 may be free because an older table's log was cleaned up
    if (await hasLog(location)) throw tableExists(location);
    const metadata: Metadata = {
      id: randomUUID(),
      ...(name !== undefined && { name }),
      ...(description !== undefined && { description }),
      format: { provider: 'parquet', options: {} },
      schemaString: schemaStringOf(columns),
      partitionColumns: [],
      // every page that hyparquet-writer writes is a data page V2
      configuration: { 'delta.parquet.format.version': '2.12.0', ...configuration },
      createdTime: Math.trunc(clock.now()),
    };
    const info = newCommitInfo('CREATE TABLE', clock.now(), { isManaged: 'false', partitionBy: '[]' });
    const actions = [{ protocol: OUR_PROTOCOL }, { metaData: metadata }];
    const outcome = await putCommit(location, 0, info, actions, { clock });
    if (outcome.kind === 'conflict') throw tableExists(location);
    const snapshot = new Snapshot();
    const nothing = { adds: [], removes: [], txns: [] };
    snapshot.apply({ version: 0, commitInfo: info, protocol: OUR_PROTOCOL, metadata, ...nothing });
    return new DeltaTable(location, snapshot, clock);
  }

  /** Opens the table, or creates it if there is none. Two callers may do so at the same time. */
  static async openOrCreate(store: ObjectStore, path: string, options: CreateOptions): Promise<DeltaTable> {
    try {
      return await DeltaTable.open(store, path, options);
    } catch (error) {
      if (!(error instanceof DeltaError && error.code === 'table-not-found')) throw error;
    }
    try {
      return await DeltaTable.create(store, path, options);
    } catch (error) {
      if (!(error instanceof DeltaError && error.code === 'table-exists')) throw error;
      return DeltaTable.open(store, path, options);
    }
  }

  /**
   * The newest version, or an older one by number or time. Throws `version-not-found` for a version that never existed
   * or has been cleaned up.
   */
  async snapshot(choice: VersionChoice = {}): Promise<Snapshot> {
    const { signal } = choice;
    const { location } = this;
    if (choice.version !== undefined) return loadSnapshot(location, choice.version, signal);
    const newest = await this.#serially(async () => {
      const head = await this.#newest(signal);
      // another engine may have changed the table into one that cannot be read here
      checkReadable(head.protocol, head.metadata);
      return head.copy();
    });
    if (choice.asOf === undefined) return newest;
    return loadSnapshot(location, await versionAt(location, newest.version, choice.asOf, signal), signal);
  }

  /** Versions, newest first: what each did, when and by which engine ("Commit Provenance Information"). */
  async history(options: { limit?: number; signal?: AbortSignal } = {}): Promise<HistoryEntry[]> {
    const { version } = await this.snapshot(options);
    return readHistory(this.location, version, options.limit, options.signal);
  }

  /** Rows of the newest or the chosen version, a row group at a time. */
  async *scan(options: ScanOptions & VersionChoice = {}): AsyncGenerator<ScannedRow[]> {
    yield* scan(this.location, await this.snapshot(options), options);
  }

  /** Adds rows in one commit without looking for duplicates; see UniqueAppender for rows with an id. */
  append(rows: readonly Row[], options: AppendOptions = {}): Promise<AppendOutcome> {
    return this.#serially(async () => {
      const head = await this.#recent(options.signal);
      const outcome = await appendRows(this.location, head, rows, { clock: this.#clock, ...options });
      this.#seenAt = this.#clock.now();
      return outcome;
    });
  }

  /** Rewrites small files into larger ones without changing any row. */
  async compact(options: CompactionOptions = {}): Promise<CompactionOutcome> {
    return compact(this.location, await this.snapshot(options), { clock: this.#clock, ...options });
  }

  /** Writes a checkpoint of the newest version ("Checkpoints"). */
  async checkpoint(): Promise<CheckpointOutcome> {
    return writeCheckpoint(this.location, await this.snapshot(), { clock: this.#clock });
  }

  /** Deletes data files that no version within the retention needs. */
  async vacuum(options: VacuumOptions = {}): Promise<VacuumOutcome> {
    return vacuum(this.location, await this.snapshot(options), { clock: this.#clock, ...options });
  }

  /** Deletes expired log files that a checkpoint replaces ("Metadata Cleanup"). */
  async cleanUpLog(options: CleanupOptions = {}): Promise<CleanupOutcome> {
    return cleanUpLog(this.location, await this.snapshot(options), { clock: this.#clock, ...options });
  }

  /** Adds nullable columns at the end; older files read them as null. Throws `schema-mismatch` for a name that exists. */
  addColumns(columns: readonly Column[]): Promise<{ version: number }> {
    return this.#serially(async () => {
      for (;;) {
        const { protocol, metadata, version } = await this.#newest();
        checkWritable(protocol, metadata);
        const changed = { ...metadata, schemaString: withColumns(metadata.schemaString, columns) };
        const info = newCommitInfo('ADD COLUMNS', this.#clock.now(), { columns: JSON.stringify(columns) });
        const actions = [{ metaData: changed }];
        const outcome = await putCommit(this.location, version + 1, info, actions, { clock: this.#clock });
        if (outcome.kind === 'committed') {
          await this.#newest();
          return { version: outcome.version };
        }
      }
    });
  }

  /** The head, brought up to the newest version. */
  async #newest(signal?: AbortSignal): Promise<Snapshot> {
    const head = await this.#recent(signal);
    await catchUp(this.location, head, undefined, signal);
    this.#seenAt = this.#clock.now();
    return head;
  }

  /** The head, loaded again if it is too old: the versions after it may have been cleaned up. */
  async #recent(signal?: AbortSignal): Promise<Snapshot> {
    if (this.#clock.now() - this.#seenAt > STALE_MS) {
      this.#head = await loadSnapshot(this.location, undefined, signal);
      this.#seenAt = this.#clock.now();
    }
    return this.#head;
  }

  /** Only one call at a time may move the head: two would apply each other's commits out of order. */
  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function locate(store: ObjectStore, path: string): TableLocation {
  return { store, path: path.replace(/^\/+|\/+$/g, '') };
}

async function hasLog(location: TableLocation): Promise<boolean> {
  const first = await logFiles(location).next();
  return first.done !== true;
}

function tableExists({ store, path }: TableLocation): DeltaError {
  return new DeltaError('table-exists', `a Delta table already exists at ${store.bucket}/${path}`);
}

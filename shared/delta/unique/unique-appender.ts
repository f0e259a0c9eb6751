import { type Clock, systemClock } from '../../core/clock.ts';
import { DeltaError } from '../delta-error.ts';
import type { CommitOptions } from '../log/commit.ts';
import type { TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import type { Row } from '../log/schema.ts';
import { STALE_MS } from '../log/table-properties.ts';
import { LogWitness } from '../log/witness.ts';
import type { ScannedRow } from '../snapshot/scan.ts';
import { selectRows } from '../snapshot/select-rows.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { BatchCommitter, type CommittedBatch, type PreparedBatch, storedRow } from './batch-committer.ts';
import { type BatchLimits, BatchQueue, type PendingRow, type SubmitOutcome } from './batch-queue.ts';
import { IdTracker } from './id-tracker.ts';
import { timedStore } from './timed-store.ts';
import { Upkeep } from './upkeep.ts';

export interface UniqueAppenderOptions extends Partial<BatchLimits> {
  /** Column of type `string`, not nullable, whose values are unique. */
  idColumn: string;
  clock?: Clock;
  commit?: CommitOptions;
  /** Longest wait for a response of storage, in ms. Default 30,000. */
  requestMs?: number;
  /**
   * If set, the appender itself writes a checkpoint about every this many commits (10 is usual, fewer checkpoints
   * if the table has many files) and saves its index for the next cold start, besides the commits. If not, that is
   * left to the caller.
   */
  checkpointEvery?: number;
  /** Called after each commit, when all callers have their answer. */
  onCommit?: (commit: CommittedBatch) => void;
  /** Called with errors of background work: a checkpoint or index that was not written. */
  onUpkeepError?: (error: unknown) => void;
}

export interface SubmitOptions {
  signal?: AbortSignal | undefined;
  formerIds?: readonly string[] | undefined;
}

/** With fewer rows waiting, two small files would cost more than they save. */
const OVERLAP_ROWS = 100;

/** State and counts of an appender. */
export interface AppenderFacts {
  version: number;
  ids: number;
  indexBytes: number;
}

/**
 * Adds rows so that each id is in the table once, whatever other instances, engines and redeliveries do. Concurrent
 * rows share one commit; there is one commit at a time. An id enters a version only if the previous version lacks
 * it: the commit succeeds only if that version is still the newest, and everything up to it has been compared.
 */
export class UniqueAppender {
  readonly #queue: BatchQueue;
  readonly #clock: Clock;
  readonly #committer: BatchCommitter;
  readonly #upkeep: Upkeep;
  readonly #witness: LogWitness;
  readonly #running: Promise<void>;
  #tracker: IdTracker | undefined;
  /** Last time at which the tracker's version was certainly the newest. */
  #seenAt: number;
  #closed = false;

  readonly #location: TableLocation;
  readonly #options: UniqueAppenderOptions;

  private constructor(location: TableLocation, options: UniqueAppenderOptions, tracker: IdTracker) {
    this.#location = location;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { maxRows = 5_000, maxBytes = 8 * 1024 * 1024, maxAgeMs = 25 } = options;
    this.#queue = new BatchQueue({ maxRows, maxBytes, maxAgeMs }, this.#clock);
    this.#tracker = tracker;
    this.#seenAt = this.#clock.now();
    this.#witness = new LogWitness(location, this.#clock);
    this.#committer = new BatchCommitter(location, this.#queue, tracker.snapshot.fields, {
      ...options,
      clock: this.#clock,
      mustExist: (version) => this.#witness.check(version),
    });
    this.#upkeep = new Upkeep(location, {
      clock: this.#clock,
      checkpointEvery: options.checkpointEvery ?? 0,
      onError: options.onUpkeepError ?? (() => {}),
    });
    this.#running = this.#run();
  }

  /** Loads the table and the index of its ids. Throws `unsupported-table`, `schema-mismatch` and errors of loading. */
  static async open(location: TableLocation, options: UniqueAppenderOptions): Promise<UniqueAppender> {
    const store = timedStore(location.store, options.requestMs ?? 30_000);
    const timed = { ...location, store };
    return new UniqueAppender(timed, options, await openTracker(timed, options.idColumn));
  }

  /**
   * Resolves when the row's commit, or its id's presence in the table, is confirmed. Rejects with `schema-mismatch`
   * for an invalid row, with `unsettled` if the outcome is unknown (submit it again), and with the signal's reason
   * if that comes first: the row may then still enter the table. A row whose id or one of whose `formerIds` is in the
   * table is a duplicate.
   */
  async submit(row: Row, options: SubmitOptions = {}): Promise<SubmitOutcome> {
    if (this.#closed) throw new DeltaError('closed', 'the appender is closed');
    options.signal?.throwIfAborted();
    const id = row[this.#options.idColumn];
    if (typeof id !== 'string' || id === '') {
      throw new DeltaError(
        'schema-mismatch',
        `column ${this.#options.idColumn} must have an id, got ${String(id)}`,
      );
    }
    const { formerIds } = options;
    const make = (arrived: number): PendingRow => {
      const { fields, values, bytes } = storedRow(this.#committer.fields, row);
      return { id, formerIds, row, fields, values, bytes, arrived, isDoubtful: false, waiters: new Set() };
    };
    return this.#queue.join(id, make, options.signal);
  }

  /** The table's rows with these ids, in any order, at the appender's version; none while the index is being rebuilt. */
  async rowsOf(
    ids: readonly string[],
    { columns, signal }: { columns: readonly string[]; signal?: AbortSignal },
  ): Promise<ScannedRow[]> {
    const tracker = this.#tracker;
    if (tracker === undefined) return [];
    const { idColumn } = this.#options;
    const part = tracker.snapshot.withFiles(tracker.filesOf(ids));
    const query = { columns, filter: { [idColumn]: { in: ids } }, keyColumn: idColumn, signal };
    const rows: ScannedRow[] = [];
    for await (const some of selectRows(this.#location, part, query)) rows.push(...some);
    return rows;
  }

  /** Undefined while the index is being rebuilt. */
  get facts(): AppenderFacts | undefined {
    const tracker = this.#tracker;
    return (
      tracker && { version: tracker.snapshot.version, ids: tracker.size, indexBytes: tracker.indexBytes }
    );
  }

  /** A copy of the table's state at the appender's version; undefined while the index is being rebuilt. */
  snapshot(): Snapshot | undefined {
    return this.#tracker?.snapshot.copy();
  }

  /**
   * Saves the index beside the table if a cold start would otherwise have much to read; `force` always saves it.
   * Undefined if nothing was written.
   */
  async saveIndex(options: { force?: boolean } = {}): Promise<{ bytes: number } | undefined> {
    const tracker = this.#tracker;
    return tracker && (options.force || tracker.isWorthSaving) ? tracker.save() : undefined;
  }

  /** Accepts no more rows and commits the pending ones. When the signal aborts, the rest is rejected as `closed`. */
  async close(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    this.#closed = true;
    const giveUp = (): void =>
      this.#queue.rejectAll(
        new DeltaError('closed', 'the appender was closed before its pending rows were committed'),
      );
    options.signal?.addEventListener('abort', giveUp, { once: true });
    this.#queue.close();
    await this.#running;
    await this.#upkeep.done();
    options.signal?.removeEventListener('abort', giveUp);
  }

  /**
   * One commit at a time. If many rows wait for it, their file is written and uploaded meanwhile: a commit then
   * takes the time of one request, not two.
   */
  async #run(): Promise<void> {
    let underWay: Promise<void> | undefined;
    for (;;) {
      if (underWay) await Promise.race([underWay, this.#queue.holds(OVERLAP_ROWS)]);
      const batch = await this.#queue.take();
      if (batch.length === 0) {
        await underWay;
        await this.#committer.verified();
        if (this.#queue.isEmpty) return;
        continue;
      }
      try {
        if (!underWay && this.#clock.now() - this.#seenAt > STALE_MS) this.#tracker = undefined;
        if (this.#tracker === undefined) {
          this.#tracker = await openTracker(this.#location, this.#options.idColumn);
          this.#witness.reset();
        }
        const tracker = this.#tracker;
        const looks = [
          this.#witness.check(underWay ? undefined : tracker.snapshot.version),
          // a commit in progress advances the tracker itself
          underWay ? undefined : tracker.catchUp((commit) => this.#committer.saw(commit)),
        ];
        const [prepared] = await Promise.all([this.#committer.prepare(tracker, batch), ...looks]);
        await underWay;
        this.#seenAt = this.#clock.now();
        // the previous commit failed, and has rejected these rows along with its own
        if (this.#tracker !== tracker) continue;
        underWay = this.#commit(tracker, prepared).finally(() => {
          underWay = undefined;
        });
      } catch (error) {
        await underWay;
        this.#startAnew(error);
      }
    }
  }

  /** Never rejects. */
  async #commit(tracker: IdTracker, prepared: PreparedBatch): Promise<void> {
    try {
      const committed = await this.#committer.commit(tracker, prepared);
      if (committed === undefined) return;
      // left to the writer that took the file in
      if (!committed.isTaken) this.#upkeep.after(tracker);
      this.#options.onCommit?.(committed);
    } catch (error) {
      this.#startAnew(error);
    }
  }

  /** After an unknown outcome, or if the index stopped half way: start over; redelivery decides. */
  #startAnew(error: unknown): void {
    this.#tracker = undefined;
    this.#queue.rejectAll(error);
  }
}

async function openTracker(location: TableLocation, idColumn: string): Promise<IdTracker> {
  const tracker = await IdTracker.open(location, idColumn);
  const { protocol, metadata, fields } = tracker.snapshot;
  checkWritable(protocol, metadata);
  const id = fields.find(({ name }) => name === idColumn);
  if (id?.type !== 'string') {
    throw new DeltaError(
      'schema-mismatch',
      `column ${idColumn} must be of type string, got ${id ? String(id.type) : 'none'}`,
    );
  }
  return tracker;
}

import { type Clock, systemClock } from '../runtime/clock.ts';
import type { AddFile, Commit } from './actions.ts';
import { uploadDataFile } from './append.ts';
import { type BatchLimits, BatchQueue, type PendingRow, type SubmitOutcome } from './batch-queue.ts';
import { type CommitOptions, newCommitInfo, putCommit } from './commit.ts';
import { writeStoredFile } from './data-file.ts';
import { DeltaError } from './delta-error.ts';
import { fingerprintInfo, fingerprintsOf } from './id-fingerprint.ts';
import { IdTracker } from './id-tracker.ts';
import type { TableLocation } from './log-path.ts';
import { codecOf } from './parquet-codec.ts';
import { checkWritable } from './protocol.ts';
import { type Field, type Row, toStored } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

export interface UniqueAppenderOptions extends Partial<BatchLimits> {
  /** Column of type `string`, not nullable, that holds each value once. */
  idColumn: string;
  clock?: Clock;
  commit?: CommitOptions;
  /** Called after each commit, off the path of those who wait: for checkpoints and the like. */
  onCommit?: (commit: CommittedBatch) => void;
}

export interface CommittedBatch {
  version: number;
  rows: number;
  /** Bytes of the data file. */
  bytes: number;
  /** Rows of the batch that were there already. */
  duplicates: number;
  /** Versions that other writers took meanwhile. */
  conflicts: number;
}

/** What an appender holds and has done. */
export interface AppenderFacts {
  version: number;
  ids: number;
  indexBytes: number;
}

/**
 * Adds rows so that each id is in the table once, whatever other instances, engines and redeliveries do.
 * Rows given at the same time share one commit; there is one commit at a time. An id enters a version only
 * if the version before does not have it: the commit goes through only where that version is still the
 * newest, and everything up to it has been compared.
 */
export class UniqueAppender {
  private readonly queue: BatchQueue;
  private readonly clock: Clock;
  private readonly running: Promise<void>;
  private tracker: IdTracker | undefined;
  private closed = false;

  private constructor(
    private readonly location: TableLocation,
    private readonly options: UniqueAppenderOptions,
    tracker: IdTracker,
  ) {
    this.clock = options.clock ?? systemClock;
    const { maxRows = 5_000, maxBytes = 8 * 1024 * 1024, maxAgeMs = 25 } = options;
    this.queue = new BatchQueue({ maxRows, maxBytes, maxAgeMs }, this.clock);
    this.tracker = tracker;
    this.fields = tracker.snapshot.fields;
    this.running = this.run();
  }

  private fields: readonly Field[];

  /** Loads the table and the index of its ids. Throws `unsupported-table`, `schema-mismatch` and what loading does. */
  static async open(location: TableLocation, options: UniqueAppenderOptions): Promise<UniqueAppender> {
    const tracker = await openTracker(location, options.idColumn);
    return new UniqueAppender(location, options, tracker);
  }

  /**
   * Resolves when the row's commit is confirmed, or its id confirmed in the table. Rejects with
   * `schema-mismatch` for a row that does not fit, with `unsettled` where nobody knows yet (submit it again),
   * and with the signal's reason when that comes first: the row may then still enter the table.
   */
  async submit(row: Row, options: { signal?: AbortSignal | undefined } = {}): Promise<SubmitOutcome> {
    if (this.closed) throw new DeltaError('closed', 'the appender is closed');
    options.signal?.throwIfAborted();
    const id = row[this.options.idColumn];
    if (typeof id !== 'string' || id === '') {
      throw new DeltaError(
        'schema-mismatch',
        `column ${this.options.idColumn} got ${String(id)}; an id is needed`,
      );
    }
    return this.queue.join(id, () => ({ id, row, ...storedRow(this.fields, row) }), options.signal);
  }

  /** Undefined while the index is being rebuilt. */
  get facts(): AppenderFacts | undefined {
    const { tracker } = this;
    return (
      tracker && { version: tracker.snapshot.version, ids: tracker.size, indexBytes: tracker.indexBytes }
    );
  }

  /** A copy of the table's state at the appender's version; undefined while the index is being rebuilt. */
  snapshot(): Snapshot | undefined {
    return this.tracker?.snapshot.copy();
  }

  /** Keeps the index beside the table when a cold start would otherwise have much to read. */
  async saveIndex(options: { force?: boolean } = {}): Promise<{ bytes: number } | undefined> {
    const { tracker } = this;
    return tracker && (options.force || tracker.isWorthSaving) ? tracker.save() : undefined;
  }

  /** Takes no more rows and commits those it has. Past the signal, what is left is rejected as `closed`. */
  async close(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    this.closed = true;
    const giveUp = (): void =>
      this.queue.rejectAll(new DeltaError('closed', 'the appender was closed in haste'));
    options.signal?.addEventListener('abort', giveUp, { once: true });
    this.queue.close();
    await this.running;
    options.signal?.removeEventListener('abort', giveUp);
  }

  private async run(): Promise<void> {
    for (;;) {
      const batch = await this.queue.take();
      if (batch.length === 0) return;
      try {
        this.tracker ??= await openTracker(this.location, this.options.idColumn);
        await this.commitBatch(this.tracker, batch);
      } catch (error) {
        // an unknown outcome, or an index that stopped half way: redelivery decides, from a fresh start
        this.tracker = undefined;
        this.queue.rejectAll(error);
      }
    }
  }

  private async commitBatch(tracker: IdTracker, batch: PendingRow[]): Promise<void> {
    // the upload takes longer than a look at the tail, which seldom changes the rows
    let { absent: rows, live } = await this.split(tracker, batch);
    const { version } = tracker.snapshot;
    rows = this.refit(tracker.snapshot.fields, rows);
    let [uploaded] = await Promise.all([this.upload(tracker.snapshot, rows), tracker.catchUp()]);
    if (tracker.snapshot.version !== version) ({ absent: rows, live } = await this.split(tracker, batch));
    for (let conflicts = 0; ; conflicts++) {
      const { protocol, metadata, fields } = tracker.snapshot;
      checkWritable(protocol, metadata);
      this.queue.settle(live, { kind: 'duplicate', version: tracker.snapshot.version });
      rows = this.refit(fields, rows);
      if (rows.length === 0) return;
      // the same rows keep their file, unless the columns changed
      if (uploaded?.fields !== fields || !isSame(uploaded.rows, rows)) {
        uploaded = await this.upload(tracker.snapshot, rows);
      }
      if (uploaded === undefined) return;
      const outcome = await this.commit(tracker, uploaded);
      if (outcome.kind === 'committed') {
        this.queue.settle(rows, { kind: 'added', version: outcome.version });
        const duplicates = batch.length - rows.length;
        const bytes = uploaded.add.size;
        this.options.onCommit?.({
          version: outcome.version,
          rows: rows.length,
          bytes,
          duplicates,
          conflicts,
        });
        return;
      }
      await tracker.apply(outcome.winner);
      ({ absent: rows, live } = await this.split(tracker, rows));
    }
  }

  /** Rows whose ids are in the table at the tracker's version, and the others. */
  private async split(
    tracker: IdTracker,
    rows: readonly PendingRow[],
  ): Promise<{ live: PendingRow[]; absent: PendingRow[] }> {
    const found = await tracker.findLive(rows.map(({ id }) => id));
    return {
      live: rows.filter(({ id }) => found.has(id)),
      absent: rows.filter(({ id }) => !found.has(id)),
    };
  }

  /** After a change of columns, rows are checked again; those that no longer fit are rejected. */
  private refit(fields: readonly Field[], rows: PendingRow[]): PendingRow[] {
    this.fields = fields;
    return rows.filter((entry) => {
      if (entry.fields === fields) return true;
      try {
        Object.assign(entry, storedRow(fields, entry.row));
        return true;
      } catch (error) {
        this.queue.reject([entry], error);
        return false;
      }
    });
  }

  private async upload(snapshot: Snapshot, rows: PendingRow[]): Promise<UploadedFile | undefined> {
    if (rows.length === 0) return undefined;
    const { fields, metadata } = snapshot;
    const codec = codecOf(metadata.configuration['delta.parquet.compression.codec']);
    const columns = fields.map((_, index) => rows.map(({ values }) => values[index] ?? null));
    const file = writeStoredFile(fields, columns, { codec });
    return { rows, fields, add: await uploadDataFile(this.location, file, { codec, clock: this.clock }) };
  }

  private async commit(
    tracker: IdTracker,
    { rows, add }: UploadedFile,
  ): Promise<{ kind: 'committed'; version: number } | { kind: 'conflict'; winner: Commit }> {
    const ids = rows.map(({ id }) => id);
    const parameters = { mode: 'Append', partitionBy: '[]' };
    const info = {
      // not blind: it depends on the ids that are there
      ...newCommitInfo('WRITE', this.clock.now(), parameters, false),
      idPrefixes: fingerprintInfo(this.options.idColumn, { [add.path]: fingerprintsOf(ids) }),
    };
    const version = tracker.snapshot.version + 1;
    const outcome = await putCommit(this.location, version, info, [{ add }], {
      clock: this.clock,
      ...this.options.commit,
    });
    if (outcome.kind === 'conflict') return outcome;
    const nothing = { protocol: undefined, metadata: undefined, removes: [], txns: [] };
    await tracker.apply({ version, commitInfo: info, adds: [add], ...nothing }, ids);
    return outcome;
  }
}

interface UploadedFile {
  rows: PendingRow[];
  fields: readonly Field[];
  add: AddFile;
}

function isSame(some: readonly PendingRow[], others: readonly PendingRow[]): boolean {
  return some.length === others.length && some.every((entry, index) => entry === others[index]);
}

async function openTracker(location: TableLocation, idColumn: string): Promise<IdTracker> {
  const tracker = await IdTracker.open(location, idColumn);
  const { protocol, metadata, fields } = tracker.snapshot;
  checkWritable(protocol, metadata);
  const id = fields.find(({ name }) => name === idColumn);
  if (id?.type !== 'string') {
    throw new DeltaError(
      'schema-mismatch',
      `column ${idColumn} is ${id ? String(id.type) : 'not there'}; ids are strings`,
    );
  }
  return tracker;
}

/** The row's values as they are stored, and about how many bytes they take. Throws `schema-mismatch`. */
function storedRow(fields: readonly Field[], row: Row): Pick<PendingRow, 'fields' | 'values' | 'bytes'> {
  const unknown = Object.keys(row).find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined)
    throw new DeltaError('schema-mismatch', `a row has ${unknown}, which is no column`);
  const values = fields.map((field) => toStored(row[field.name], field));
  let bytes = 0;
  for (const value of values) {
    bytes += typeof value === 'string' || value instanceof Uint8Array ? value.length + 4 : 8;
  }
  return { fields, values, bytes };
}

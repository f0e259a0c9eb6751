import { type Clock, systemClock } from '../../core/clock.ts';
import { DeltaError } from '../delta-error.ts';
import type { AddFile, Commit } from '../log/actions.ts';
import { type CommitOptions, newCommitInfo, putCommit } from '../log/commit.ts';
import type { TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import { type Field, type Row, toStored } from '../log/schema.ts';
import { codecOf } from '../parquet/codec.ts';
import { writeStoredFile } from '../parquet/data-file.ts';
import { uploadDataFile } from '../snapshot/append.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { BatchQueue, PendingRow } from './batch-queue.ts';
import { fingerprintInfo, fingerprintsOf } from './id-fingerprint.ts';
import type { IdCandidate } from './id-lookup.ts';
import type { IdTracker } from './id-tracker.ts';

export interface CommittedBatch {
  version: number;
  rows: number;
  /** Bytes of the data file. */
  bytes: number;
  /** Rows of the batch whose ids were already in the table. */
  duplicates: number;
  /** Versions that other writers took meanwhile. */
  conflicts: number;
}

export interface CommitterOptions {
  idColumn: string;
  clock?: Clock;
  commit?: CommitOptions;
}

/** Rows of a batch, classified by the index. */
interface Sorted {
  /** Absent at the tracker's version. */
  fresh: PendingRow[];
  live: PendingRow[];
  /** Possibly present: files must be read to find out. */
  suspects: { entry: PendingRow; candidates: IdCandidate[] }[];
}

/** A batch whose file is uploaded, with its classification at the version it was checked against. */
export interface PreparedBatch {
  batch: PendingRow[];
  version: number;
  sorted: Sorted;
  uploaded: UploadedFile | undefined;
}

interface UploadedFile {
  rows: PendingRow[];
  fields: readonly Field[];
  add: AddFile;
}

/** Commits one batch after another to the table. If it throws, the outcome is open and the tracker unusable. */
export class BatchCommitter {
  readonly #clock: Clock;
  readonly #verifying = new Set<Promise<void>>();

  readonly #location: TableLocation;
  readonly #queue: BatchQueue;
  readonly #options: CommitterOptions;

  constructor(
    location: TableLocation,
    queue: BatchQueue,
    /** Columns that rows are checked against: those of the newest version seen. */
    public fields: readonly Field[],
    options: CommitterOptions,
  ) {
    this.#location = location;
    this.#queue = queue;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Uploads the rows that are new at this point: commits by others seldom change which ones are. */
  async prepare(tracker: IdTracker, batch: PendingRow[]): Promise<PreparedBatch> {
    // not the snapshot's version: a commit may be half applied, and then rows are classified again
    const { version } = tracker;
    const sorted = await this.#sort(tracker, batch);
    const rows = this.#refit(tracker.snapshot.fields, sorted.fresh);
    return { batch, version, sorted, uploaded: await this.#upload(tracker.snapshot, rows) };
  }

  /** Undefined if no row was new. No other commit through the tracker may be in progress. */
  async commit(tracker: IdTracker, prepared: PreparedBatch): Promise<CommittedBatch | undefined> {
    const { batch, version } = prepared;
    let { sorted, uploaded } = prepared;
    if (tracker.snapshot.version !== version) sorted = await this.#sort(tracker, batch);
    for (let conflicts = 0; ; conflicts++) {
      const { protocol, metadata, fields } = tracker.snapshot;
      checkWritable(protocol, metadata);
      this.#queue.settle(sorted.live, { kind: 'duplicate', version: tracker.snapshot.version });
      this.#verify(tracker, sorted.suspects);
      const rows = this.#refit(fields, sorted.fresh);
      // the same rows keep their file, unless the columns changed
      if (uploaded?.fields !== fields || !isSame(uploaded.rows, rows)) {
        uploaded = await this.#upload(tracker.snapshot, rows);
      }
      if (uploaded === undefined) return undefined;
      const outcome = await this.#put(tracker, uploaded);
      if (outcome.kind === 'committed') {
        this.#queue.settle(rows, { kind: 'added', version: outcome.version });
        const duplicates = batch.length - rows.length;
        return {
          version: outcome.version,
          rows: rows.length,
          bytes: uploaded.add.size,
          duplicates,
          conflicts,
        };
      }
      await tracker.apply(outcome.winner);
      sorted = await this.#sort(tracker, rows);
    }
  }

  /** Resolves when no row is being looked up. */
  async verified(): Promise<void> {
    while (this.#verifying.size > 0) await Promise.all(this.#verifying);
  }

  async #sort(tracker: IdTracker, rows: readonly PendingRow[]): Promise<Sorted> {
    const sorted: Sorted = { fresh: [], live: [], suspects: [] };
    const verdicts = classify(tracker, rows);
    // looked up once; then only their absence from exactly this version admits them
    const doubtful = rows.flatMap((entry, index) => {
      const verdict = verdicts[index];
      return entry.isDoubtful && Array.isArray(verdict) ? verdict : [];
    });
    const found = doubtful.length > 0 ? await tracker.verify(doubtful) : new Set<string>();
    for (const [index, entry] of rows.entries()) {
      const verdict = verdicts[index] ?? 'absent';
      if (verdict === 'live' || isIn(found, entry)) sorted.live.push(entry);
      else if (verdict === 'absent' || entry.isDoubtful) sorted.fresh.push(entry);
      else sorted.suspects.push({ entry, candidates: verdict });
    }
    return sorted;
  }

  /** Looks up suspects concurrently with commits: nearly all are duplicates, and no one should wait for them. */
  #verify(tracker: IdTracker, suspects: Sorted['suspects']): void {
    if (suspects.length === 0) return;
    const { version } = tracker.snapshot;
    const entries = suspects.map(({ entry }) => entry);
    const work = tracker
      .verify(suspects.flatMap(({ candidates }) => candidates))
      .then(
        (found) => {
          const live = entries.filter((entry) => isIn(found, entry));
          const doubtful = entries.filter((entry) => !isIn(found, entry));
          this.#queue.settle(live, { kind: 'duplicate', version });
          for (const entry of doubtful) entry.isDoubtful = true;
          this.#queue.requeue(doubtful);
        },
        (error: unknown) => this.#queue.reject(entries, error),
      )
      .finally(() => this.#verifying.delete(work));
    this.#verifying.add(work);
  }

  /** After a change of columns, rows are checked again; those that no longer fit are rejected. */
  #refit(fields: readonly Field[], rows: PendingRow[]): PendingRow[] {
    this.fields = fields;
    return rows.filter((entry) => {
      if (entry.fields === fields) return true;
      try {
        Object.assign(entry, storedRow(fields, entry.row));
        return true;
      } catch (error) {
        this.#queue.reject([entry], error);
        return false;
      }
    });
  }

  async #upload(snapshot: Snapshot, rows: PendingRow[]): Promise<UploadedFile | undefined> {
    if (rows.length === 0) return undefined;
    const { fields, metadata } = snapshot;
    const codec = codecOf(metadata.configuration['delta.parquet.compression.codec']);
    const columns = fields.map((_, index) => rows.map(({ values }) => values[index] ?? null));
    const file = writeStoredFile(fields, columns, { codec });
    return { rows, fields, add: await uploadDataFile(this.#location, file, { codec, clock: this.#clock }) };
  }

  async #put(
    tracker: IdTracker,
    { rows, add }: UploadedFile,
  ): Promise<{ kind: 'committed'; version: number } | { kind: 'conflict'; winner: Commit }> {
    const ids = rows.map(({ id }) => id);
    const parameters = { mode: 'Append', partitionBy: '[]' };
    const info = {
      // not blind: it depends on the ids in the table
      ...newCommitInfo('WRITE', this.#clock.now(), parameters, false),
      idPrefixes: fingerprintInfo(this.#options.idColumn, { [add.path]: fingerprintsOf(ids) }),
    };
    const version = tracker.snapshot.version + 1;
    const outcome = await putCommit(this.#location, version, info, [{ add }], {
      clock: this.#clock,
      ...this.#options.commit,
    });
    if (outcome.kind === 'conflict') return outcome;
    const nothing = { protocol: undefined, metadata: undefined, removes: [], txns: [] };
    await tracker.apply({ version, commitInfo: info, adds: [add], ...nothing }, ids);
    return outcome;
  }
}

/** The row's values in stored form, and their approximate size in bytes. Throws `schema-mismatch`. */
export function storedRow(
  fields: readonly Field[],
  row: Row,
): Pick<PendingRow, 'fields' | 'values' | 'bytes'> {
  const unknown = Object.keys(row).find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined)
    throw new DeltaError('schema-mismatch', `a row has ${unknown}, which is not a column of the table`);
  const values = fields.map((field) => toStored(row[field.name], field));
  let bytes = 0;
  for (const value of values) {
    bytes += typeof value === 'string' || value instanceof Uint8Array ? value.length + 4 : 8;
  }
  return { fields, values, bytes };
}

function idsOf({ id, formerIds = [] }: PendingRow): readonly string[] {
  return formerIds.length === 0 ? [id] : [id, ...formerIds];
}

function isIn(found: ReadonlySet<string>, entry: PendingRow): boolean {
  return found.size > 0 && idsOf(entry).some((id) => found.has(id));
}

/** For each row: in the table under one of its ids, in none, or the files that may contain them. */
function classify(tracker: IdTracker, rows: readonly PendingRow[]): ('absent' | 'live' | IdCandidate[])[] {
  const isPlain = rows.every(({ formerIds }) => formerIds === undefined || formerIds.length === 0);
  if (isPlain) return tracker.classify(rows.map(({ id }) => id));
  const verdicts = tracker.classify(rows.flatMap(idsOf));
  let next = 0;
  return rows.map(({ formerIds = [] }) => {
    const own = verdicts.slice(next, next + 1 + formerIds.length);
    next += own.length;
    if (own.length === 1) return own[0]!;
    if (own.includes('live')) return 'live';
    const candidates = own.flatMap((verdict) => (Array.isArray(verdict) ? verdict : []));
    return candidates.length === 0 ? 'absent' : candidates;
  });
}

function isSame(some: readonly PendingRow[], others: readonly PendingRow[]): boolean {
  return some.length === others.length && some.every((entry, index) => entry === others[index]);
}

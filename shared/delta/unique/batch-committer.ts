import { type Clock, systemClock } from '../../core/clock.ts';
import { DeltaError } from '../delta-error.ts';
import type { Commit } from '../log/actions.ts';
import { type CommitOptions, newCommitInfo, putCommit, readCommit } from '../log/commit.ts';
import { decodeDataPath, type TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import { type Field, type Row, toStored } from '../log/schema.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { type BatchFile, isCommitted, uploadBatch } from './batch-file.ts';
import type { BatchQueue, PendingRow } from './batch-queue.ts';
import { fingerprintInfo } from './id-fingerprint.ts';
import type { IdCandidate } from './id-lookup.ts';
import type { IdTracker } from './id-tracker.ts';
import type { Offer } from './offer.ts';
import { Offers, takeable } from './offers.ts';
import { OFFERS_TAKEN, type Patience, Turns } from './turns.ts';

export interface CommittedBatch {
  version: number;
  rows: number;
  /** Bytes of the data file. */
  bytes: number;
  /** Rows of the batch whose ids were already in the table. */
  duplicates: number;
  /** Versions that other writers took meanwhile. */
  conflicts: number;
  /** True if another writer's commit took the file in. */
  isTaken: boolean;
  /** Files of other writers that the commit took in. */
  others: number;
}

export interface CommitterOptions {
  idColumn: string;
  clock?: Clock;
  commit?: CommitOptions;
  /** Called before a commit of a file that had to wait; throws if the table is gone. */
  mustExist?: (version: number) => Promise<void>;
}

/** Between two looks for the next version, in ms. */
const POLL_MS = 15;

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
  uploaded: BatchFile | undefined;
  /** Offers of others, listed meanwhile. */
  offers: Promise<Offer[]> | undefined;
}

/** `passed`: another writer has committed the next version. */
type Turn =
  | { kind: 'committed'; version: number; others: number }
  | { kind: 'passed'; winner: Commit; how: 'raced' | 'awaited' };

/** Commits one batch after another to the table. If it throws, the outcome is open and the tracker unusable. */
export class BatchCommitter {
  readonly #clock: Clock;
  readonly #verifying = new Set<Promise<void>>();
  readonly #turns: Turns;
  readonly #offers: Offers;
  /** How long the last upload took. */
  #uploadMs = 0;

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
    this.#turns = new Turns(this.#clock);
    this.#offers = new Offers(location, this.#clock);
  }

  /** A commit by others that the tracker has read by itself. */
  saw(commit: Commit): void {
    this.#turns.saw(commit, 'found');
  }

  /** Uploads the rows that are new at this point: commits by others seldom change which ones are. */
  async prepare(tracker: IdTracker, batch: PendingRow[]): Promise<PreparedBatch> {
    // not the snapshot's version: a commit may be half applied, and then rows are classified again
    const { version } = tracker;
    const sorted = await this.#sort(tracker, batch);
    const rows = this.#refit(tracker.snapshot.fields, sorted.fresh);
    if (rows.length === 0) return { batch, version, sorted, uploaded: undefined, offers: undefined };
    const { isContended, isOthers, isRace } = this.#turns;
    const mayWrite = isContended && !isOthers && !isRace;
    const offers = mayWrite ? this.#offers.listLater(tracker, this.#uploadMs) : undefined;
    const started = this.#clock.now();
    const uploaded = await this.#upload(tracker.snapshot, version, rows);
    this.#uploadMs = this.#clock.now() - started;
    this.#turns.uploaded(this.#uploadMs);
    return { batch, version, sorted, uploaded, offers };
  }

  /** Undefined if no row was new. No other commit through the tracker may be in progress. */
  async commit(tracker: IdTracker, prepared: PreparedBatch): Promise<CommittedBatch | undefined> {
    const { batch } = prepared;
    let { uploaded, offers } = prepared;
    let open = batch;
    let sorted = tracker.snapshot.version === prepared.version ? prepared.sorted : undefined;
    let patience: Patience | undefined;
    let taken: CommittedBatch | undefined;
    for (let conflicts = 0; ; conflicts++) {
      const { protocol, metadata, fields, version } = tracker.snapshot;
      checkWritable(protocol, metadata);
      if (uploaded && isCommitted(tracker.snapshot, uploaded)) {
        taken = { ...countsOf(batch, uploaded), version, conflicts, isTaken: true, others: 0 };
        const rows = new Set(uploaded.rows);
        this.#settleAdded(tracker, uploaded);
        open = open.filter((entry) => !rows.has(entry));
        [uploaded, sorted] = [undefined, undefined];
      }
      sorted ??= await this.#sort(tracker, open);
      this.#queue.settle(sorted.live, { kind: 'duplicate', version });
      this.#verify(tracker, sorted.suspects);
      const rows = this.#refit(fields, sorted.fresh);
      if (rows.length === 0) return taken;
      // the same rows keep their file, unless the columns changed, or it lost races and could be offered
      const isKept = uploaded?.fields === fields && isSame(uploaded.rows, rows);
      if (!isKept || (conflicts > 1 && this.#turns.isOthers && uploaded?.wasAlone)) {
        uploaded = await this.#upload(tracker.snapshot, version, rows);
        patience = undefined;
      }
      if (uploaded === undefined) return taken;
      patience ??= this.#turns.patience();
      const turn = await this.#takeTurn(tracker, uploaded, patience, offers);
      offers = undefined;
      if (turn.kind === 'committed') {
        this.#settleAdded(tracker, uploaded);
        const { others } = turn;
        return { ...countsOf(batch, uploaded), version: turn.version, conflicts, isTaken: false, others };
      }
      await tracker.apply(turn.winner);
      this.#turns.saw(turn.winner, turn.how);
      patience.passedBy(turn.winner);
      [open, sorted] = [rows, undefined];
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

  async #upload(snapshot: Snapshot, version: number, rows: PendingRow[]): Promise<BatchFile> {
    const { idColumn } = this.#options;
    const wasAlone = !this.#turns.isContended;
    // a fingerprint that the index has already would keep the others from taking the file
    const offerAt = wasAlone || rows.some((row) => row.isDoubtful) ? undefined : version;
    return uploadBatch(this.#location, snapshot, rows, { clock: this.#clock, idColumn, offerAt, wasAlone });
  }

  #settleAdded(tracker: IdTracker, { rows, add }: BatchFile): void {
    const { version, files } = tracker.snapshot;
    const ids = rows.map(({ id }) => id);
    if (files.has(decodeDataPath(add.path))) tracker.remember(ids, add);
    this.#queue.settle(rows, { kind: 'added', version });
  }

  /** Waits until another writer takes an offered file in, while that can be expected; then commits it here. */
  async #takeTurn(
    tracker: IdTracker,
    file: BatchFile,
    patience: Patience,
    listed: Promise<Offer[]> | undefined,
  ): Promise<Turn> {
    const { version } = tracker.snapshot;
    if (file.isOffered && this.#turns.isOthers && !patience.isOver) {
      while (!patience.isOver) {
        const winner = await this.#peek(version + 1);
        if (winner) return { kind: 'passed', winner, how: 'awaited' };
        await this.#clock.sleep(POLL_MS);
      }
      await this.#options.mustExist?.(version);
    }
    patience.end();
    return this.#put(tracker, file, await this.#takeable(tracker, file, listed));
  }

  /** Undefined, too, if storage fails: the wait ends by itself. */
  async #peek(version: number): Promise<Commit | undefined> {
    try {
      return await readCommit(this.#location, version);
    } catch (error) {
      if (error instanceof DeltaError) throw error;
      return undefined;
    }
  }

  /** Offers that can be committed along with the file. `listed` are not enough if the last commit took more. */
  async #takeable(
    tracker: IdTracker,
    file: BatchFile,
    listed: Promise<Offer[]> | undefined,
  ): Promise<Offer[]> {
    const { isContended, isRace, expected } = this.#turns;
    if (!isContended || isRace) return [];
    const choose = (offers: readonly Offer[]): Offer[] =>
      takeable(offers, tracker, file, this.#options.idColumn);
    const early = listed && choose(await listed);
    if (early && early.length >= expected) return early;
    return choose(await this.#offers.list(tracker));
  }

  async #put(tracker: IdTracker, file: BatchFile, taken: readonly Offer[]): Promise<Turn> {
    const { idColumn } = this.#options;
    const files = [file, ...taken];
    const parameters = { mode: 'Append', partitionBy: '[]' };
    const info = {
      // not blind: it depends on the ids in the table
      ...newCommitInfo('WRITE', this.#clock.now(), parameters, false),
      idPrefixes: fingerprintInfo(idColumn, Object.fromEntries(files.map(({ add, ids }) => [add.path, ids]))),
      ...(this.#turns.isContended && { [OFFERS_TAKEN]: taken.length }),
    };
    const version = tracker.snapshot.version + 1;
    const adds = files.map(({ add }) => add);
    const outcome = await putCommit(
      this.#location,
      version,
      info,
      adds.map((add) => ({ add })),
      { clock: this.#clock, ...this.#options.commit },
    );
    if (outcome.kind === 'conflict') return { kind: 'passed', winner: outcome.winner, how: 'raced' };
    const nothing = { protocol: undefined, metadata: undefined, removes: [], txns: [] };
    await tracker.apply({ version, commitInfo: info, adds, ...nothing });
    this.#turns.wrote(taken.length);
    return { kind: 'committed', version, others: taken.length };
  }
}

function countsOf(batch: readonly PendingRow[], { rows, add }: BatchFile) {
  return { rows: rows.length, bytes: add.size, duplicates: batch.length - rows.length };
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

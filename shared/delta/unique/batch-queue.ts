import type { Clock } from '../../core/clock.ts';
import type { Field, Row } from '../log/schema.ts';
import type { StoredColumn } from '../log/stats.ts';

/** Whether a row entered the table, or a row with its id was already there (or pending). */
export interface SubmitOutcome {
  kind: 'added' | 'duplicate';
  /** A table version that contains the id. */
  version: number;
}

/** Limits of a batch: the first one reached triggers its commit. */
export interface BatchLimits {
  /** Rows. Default 5,000. */
  maxRows: number;
  /** Estimated bytes. Default 8 MiB. */
  maxBytes: number;
  /** Longest time that a row waits for others while no commit is in progress, in ms. Default 25. */
  maxAgeMs: number;
}

/** A pending row, and every caller that waits for its id. */
export interface PendingRow {
  id: string;
  /** Other ids under which the table may already have the row. */
  formerIds?: readonly string[] | undefined;
  row: Row;
  /** The schema it was validated against. */
  fields: readonly Field[];
  /** In stored form, in the order of the fields. */
  values: StoredColumn;
  bytes: number;
  arrived: number;
  /** The index has its fingerprint, but the file it pointed to does not contain the id. */
  isDoubtful?: boolean;
  waiters: Set<Waiter>;
}

interface Waiter {
  entry: PendingRow;
  signal: AbortSignal | undefined;
  resolve(outcome: SubmitOutcome): void;
  reject(error: unknown): void;
}

/**
 * Rows that wait for a commit, each id once. The next batch is not taken immediately: the callers just answered are
 * about to submit again, and a commit for a few rows would make all others wait.
 */
export class BatchQueue {
  /** Queued and in flight, by id. */
  readonly #pending = new Map<string, PendingRow>();
  /** One listener a signal: the events of a batch share theirs. */
  readonly #listening = new Map<AbortSignal, { waiters: Set<Waiter>; abort: () => void }>();
  #queue: PendingRow[] = [];
  #queuedBytes = 0;
  #wake: (() => void) | undefined;
  /** Rows worth waiting for, as of the first answer since the last batch was taken. */
  #expected = 0;
  #hasAnswered = true;
  #idleSince = 0;
  #closing = false;

  readonly #limits: BatchLimits;
  readonly #clock: Clock;

  constructor(limits: BatchLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Waits for the outcome of `id`: joins its waiters if it is pending, else queues a new row. */
  join(id: string, make: (arrived: number) => PendingRow, signal?: AbortSignal): Promise<SubmitOutcome> {
    const known = this.#pending.get(id);
    const entry = known ?? make(this.#clock.now());
    if (known === undefined) {
      this.#pending.set(id, entry);
      this.#queue.push(entry);
      this.#queuedBytes += entry.bytes;
    }
    const outcome = new Promise<SubmitOutcome>((resolve, reject) => {
      const waiter: Waiter = {
        entry,
        signal,
        resolve: known === undefined ? resolve : (result) => resolve({ ...result, kind: 'duplicate' }),
        reject,
      };
      entry.waiters.add(waiter);
      if (signal) this.#listen(signal, waiter);
    });
    this.#wake?.();
    return outcome;
  }

  /**
   * Resolves when this many rows are queued, or no more are expected. Only one caller may wait at a time, here or
   * in `take`.
   */
  holds(rows: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        if (this.#queue.length >= rows || this.#closing) resolve();
      };
      this.#wake();
    });
  }

  /** The next batch, once it is due; empty after `close` when nothing is left. */
  async take(): Promise<PendingRow[]> {
    // before the first answer no caller can return: the batch is then due by its age
    if (!this.#hasAnswered) this.#expected = this.#limits.maxRows;
    this.#idleSince = this.#clock.now();
    while (!this.#isDue()) await this.#pauseUntilDue();
    const batch: PendingRow[] = [];
    let bytes = 0;
    for (const entry of this.#queue) {
      const isFull = batch.length >= this.#limits.maxRows || bytes + entry.bytes > this.#limits.maxBytes;
      if (isFull && batch.length > 0) break;
      batch.push(entry);
      bytes += entry.bytes;
    }
    this.#hasAnswered = false;
    this.#queue = this.#queue.slice(batch.length);
    this.#queuedBytes -= bytes;
    return batch;
  }

  /** Requeues rows of a batch, at the head. Rows rejected meanwhile are left out. */
  requeue(entries: readonly PendingRow[]): void {
    const back = entries.filter((entry) => this.#pending.get(entry.id) === entry);
    this.#queue.unshift(...back);
    for (const { bytes } of back) this.#queuedBytes += bytes;
    this.#wake?.();
  }

  /** Settles every caller that waits for these rows. */
  settle(entries: readonly PendingRow[], outcome: SubmitOutcome): void {
    if (entries.length > 0) this.#expect(entries.length);
    for (const entry of entries) {
      this.#forget(entry);
      for (const waiter of entry.waiters) {
        this.#ignore(waiter);
        waiter.resolve(outcome);
      }
    }
  }

  reject(entries: readonly PendingRow[], error: unknown): void {
    if (entries.length > 0) this.#expect(entries.length);
    for (const entry of entries) {
      this.#forget(entry);
      for (const waiter of entry.waiters) {
        this.#ignore(waiter);
        waiter.reject(error);
      }
    }
  }

  /** Rejects all queued and in-flight rows. */
  rejectAll(error: unknown): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.reject([...this.#pending.values()], error);
  }

  /** Queued rows are due at once; afterwards `take` returns empty batches. */
  close(): void {
    this.#closing = true;
    this.#wake?.();
  }

  /** Answered callers are expected to submit again, in addition to those already waiting. */
  #expect(answered: number): void {
    this.#expected = (this.#hasAnswered ? this.#expected : this.#queue.length) + answered;
    this.#hasAnswered = true;
  }

  #isDue(): boolean {
    const { maxRows, maxBytes } = this.#limits;
    if (this.#closing) return true;
    if (this.#queue.length === 0) return false;
    const isFull = this.#queue.length >= Math.min(this.#expected, maxRows) || this.#queuedBytes >= maxBytes;
    return isFull || this.#clock.now() >= this.#dueAt();
  }

  #dueAt(): number {
    return Math.max(this.#idleSince, this.#queue[0]?.arrived ?? 0) + this.#limits.maxAgeMs;
  }

  async #pauseUntilDue(): Promise<void> {
    const done = new AbortController();
    const joined = new Promise<void>((resolve) => {
      const isEmpty = this.#queue.length === 0;
      this.#wake = () => {
        if (isEmpty || this.#isDue()) resolve();
      };
    });
    const waits: Promise<unknown>[] = [joined];
    if (this.#queue.length > 0) {
      const rest = Math.max(1, this.#dueAt() - this.#clock.now());
      waits.push(this.#clock.sleep(rest, done.signal).catch(() => undefined));
    }
    await Promise.race(waits);
    this.#wake = undefined;
    done.abort();
  }

  /** The id may have been submitted again since this row was rejected. */
  #forget(entry: PendingRow): void {
    if (this.#pending.get(entry.id) === entry) this.#pending.delete(entry.id);
  }

  #listen(signal: AbortSignal, waiter: Waiter): void {
    const known = this.#listening.get(signal);
    if (known) {
      known.waiters.add(waiter);
      return;
    }
    const waiters = new Set([waiter]);
    const abort = (): void => this.#giveUp(signal, waiters);
    this.#listening.set(signal, { waiters, abort });
    signal.addEventListener('abort', abort, { once: true });
  }

  #ignore(waiter: Waiter): void {
    const { signal } = waiter;
    const known = signal && this.#listening.get(signal);
    if (!known?.waiters.delete(waiter) || known.waiters.size > 0) return;
    signal?.removeEventListener('abort', known.abort);
    this.#listening.delete(signal!);
  }

  /** Rows in flight may still be committed: a caller that gave up does not know, and submits again. */
  #giveUp(signal: AbortSignal, waiters: ReadonlySet<Waiter>): void {
    this.#listening.delete(signal);
    const abandoned = new Set<PendingRow>();
    for (const waiter of waiters) {
      waiter.entry.waiters.delete(waiter);
      if (waiter.entry.waiters.size === 0) abandoned.add(waiter.entry);
      waiter.reject(signal.reason);
    }
    this.#withdraw(abandoned);
  }

  #withdraw(entries: ReadonlySet<PendingRow>): void {
    this.#queue = this.#queue.filter((entry) => {
      if (!entries.has(entry)) return true;
      this.#queuedBytes -= entry.bytes;
      this.#pending.delete(entry.id);
      return false;
    });
  }
}

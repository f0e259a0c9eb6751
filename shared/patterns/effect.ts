import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { writeRecord } from '../records/record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import {
  type DoneRecord,
  type EffectPlace,
  effectNames,
  encode,
  idempotencyKeyOf,
  readDone,
  readStarted,
  type StartedRecord,
  stateOf,
} from './effect-records.ts';

export interface EffectContext {
  /** The same in every delivery of the event: 64 hex digits. Pass it on if the provider supports idempotency keys. */
  idempotencyKey: string;
  /** Aborts when the attempt's time is up. */
  signal: AbortSignal;
}

export type EffectWork<T> = (context: EffectContext) => T | Promise<T>;

export interface EffectOptions {
  /**
   * If a process died between `started` and `done`, it is unknown whether the effect happened. `again` runs `work`
   * once more with the same key, for providers that honour it. `stop` refuses the event with `effect-unknown`.
   */
  onUnknown: 'again' | 'stop';
  /** How long a dead process blocks others, in ms. Default 30,000; renewed every third of it while `work` runs. */
  leaseMs?: number;
}

/** Context of an effect's run. */
export interface EffectRun extends EffectPlace {
  state: ObjectStore;
  clock?: Clock;
  log: Pick<Logger, 'error'>;
  signal: AbortSignal;
}

const DEFAULT_LEASE_MS = 30_000;
const MAX_REASON = 500;

const happenedNot = new WeakSet<object>();

/**
 * Marks an error as thrown before anything happened, such as a refused connection or a declined card. `effect` then
 * lets the next delivery run the work again, even with `stop`.
 *
 * @example
 * if (response.status === 402) throw didNotHappen(new AppError('blocked', 'the card was declined'));
 */
export function didNotHappen<T extends Error>(error: T): T {
  happenedNot.add(error);
  return error;
}

const running = new WeakMap<ObjectStore, Map<string, Promise<unknown>>>();

/**
 * A side effect of one event: writes `started`, runs `work`, and writes `done` with its value, which later
 * deliveries return without running it. The value is JSON, or undefined, and is returned as read back.
 *
 * Callers in one process share one run. Another process gets `busy` while the run is alive. If `done` is missing
 * and no run is alive, `onUnknown` decides. Work that throws may have had an effect, so it is treated the same,
 * unless its error is marked with `didNotHappen`: with `again` the error is rethrown and the next delivery tries
 * again; with `stop` the event is refused with `effect-unknown`, for an operator to settle.
 *
 * @example
 * await runEffect({ state, function: 'charge', eventId, name: 'card', log, signal }, pay, { onUnknown: 'stop' });
 */
export function runEffect<T>(run: EffectRun, work: EffectWork<T>, options: EffectOptions): Promise<T> {
  const shared = running.get(run.state) ?? new Map<string, Promise<unknown>>();
  running.set(run.state, shared);
  const key = idempotencyKeyOf(run);
  let outcome = shared.get(key) as Promise<T> | undefined;
  if (outcome === undefined) {
    outcome = new Effect(run, options).perform(work).finally(() => shared.delete(key));
    shared.set(key, outcome);
  }
  return unlessAborted(outcome, run.signal);
}

/** One run, in the process that owns its started record. */
class Effect {
  readonly #names: { started: string; done: string };
  readonly #clock: Clock;
  readonly #leaseMs: number;
  #record: StartedRecord;
  #generation = '';
  readonly #run: EffectRun;
  readonly #options: EffectOptions;

  constructor(run: EffectRun, options: EffectOptions) {
    this.#run = run;
    this.#options = options;
    this.#names = effectNames(run);
    this.#clock = run.clock ?? systemClock;
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.#record = this.#begin(1);
  }

  async perform<T>(work: EffectWork<T>): Promise<T> {
    const done = await this.#start();
    if (done) return done.value as T;
    const { signal, name, log } = this.#run;
    const stopRenewing = this.#keepAlive();
    let value: T;
    try {
      value = await work({ idempotencyKey: idempotencyKeyOf(this.#run), signal });
    } catch (thrown) {
      await stopRenewing();
      throw await this.#afterFailure(thrown);
    }
    await stopRenewing();
    try {
      return await this.#finish(value);
    } catch (error) {
      log.error('effect happened, and its record was not written', error, { effect: name });
      throw error;
    }
  }

  /** Returns the done record if there is one; otherwise this process owns the started record on return. */
  async #start(): Promise<DoneRecord | undefined> {
    const { state, signal, name } = this.#run;
    const created = await state.putIfAbsent(this.#names.started, encode(this.#record), {
      contentType: 'application/json',
      signal,
    });
    if (created.kind === 'written') {
      this.#generation = created.facts.generation;
      return undefined;
    }
    const early = await readDone(state, this.#names.done, signal);
    if (early) return early;
    const found = await readStarted(state, this.#names.started, signal);
    if (found === undefined) throw new AppError('unavailable', `effect ${name}: its started record is gone`);
    const standing = stateOf(found.record, this.#clock.now());
    if (standing === 'running') {
      const leftMs = found.record.expiresAt - this.#clock.now();
      throw new AppError(
        'busy',
        `effect ${name} is running in another delivery; its lease ends in ${leftMs} ms`,
      );
    }
    // read again: a run that had not expired at the first read may have finished before the second
    const late = await readDone(state, this.#names.done, signal);
    if (late) return late;
    if (standing === 'unknown' && this.#options.onUnknown === 'stop') throw this.#unknown(found.record);
    const isUncertain = standing === 'unknown';
    this.#record = { ...this.#begin(found.record.run + 1), ...(isUncertain && { isUncertain }) };
    const taken = await state.replaceIf(this.#names.started, found.generation, encode(this.#record), {
      signal,
    });
    if (taken.kind === 'changed') throw new AppError('busy', `effect ${name}: another delivery took it over`);
    this.#generation = taken.facts.generation;
    return undefined;
  }

  #begin(run: number): StartedRecord {
    const now = this.#clock.now();
    return {
      schemaVersion: 1,
      owner: randomUUID(),
      run,
      startedAt: new Date(now).toISOString(),
      state: 'running',
      expiresAt: now + this.#leaseMs,
    };
  }

  /** Short and renewed: after a crash the next delivery waits seconds, not the function's timeout. */
  #keepAlive(): () => Promise<void> {
    let renewing = Promise.resolve();
    const timer = setInterval(() => {
      renewing = renewing.then(() => this.#replace({ expiresAt: this.#clock.now() + this.#leaseMs }));
    }, this.#leaseMs / 3);
    timer.unref();
    return () => {
      clearInterval(timer);
      return renewing;
    };
  }

  /** Best effort: a run that cannot renew is treated like one whose process died. */
  async #replace(change: Partial<StartedRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    const { state } = this.#run;
    const outcome = await state
      .replaceIf(this.#names.started, this.#generation, encode(this.#record))
      .catch(() => undefined);
    if (outcome?.kind === 'written') this.#generation = outcome.facts.generation;
  }

  async #finish<T>(value: T): Promise<T> {
    const { state } = this.#run;
    const at = new Date(this.#clock.now()).toISOString();
    const done: DoneRecord = { schemaVersion: 1, at, ...(value !== undefined && { value }) };
    // read back, so that this delivery sees what later ones will; ignores the signal, since the effect has happened
    const written = await writeRecord(
      state,
      this.#names.done,
      JSON.parse(JSON.stringify(done)) as DoneRecord,
    );
    return written.value.value as T;
  }

  async #afterFailure(thrown: unknown): Promise<unknown> {
    const error = toAppError(thrown);
    const reason = `${error.code}: ${error.message}`.slice(0, MAX_REASON);
    if (happenedNot.has(thrown as object) && !this.#record.isUncertain) {
      await this.#replace({ state: 'did-not-happen', expiresAt: 0, reason });
      return thrown;
    }
    await this.#replace({ state: 'failed', expiresAt: 0, reason });
    return this.#options.onUnknown === 'again' ? thrown : this.#unknown(this.#record, thrown);
  }

  #unknown({ startedAt, reason }: StartedRecord, cause?: unknown): AppError {
    const why = reason === undefined ? 'its process died' : `its work failed (${reason})`;
    const message = `effect ${this.#run.name} was started at ${startedAt} and ${why}: it may have happened`;
    return new AppError('effect-unknown', message, { cause });
  }
}

import type { Clock } from './clock.ts';
import { counted } from './counted.ts';
import { AppError, toAppError } from './errors.ts';

export interface BreakerOptions {
  /** Name of the dependency, for messages. */
  name: string;
  clock: Pick<Clock, 'now'>;
  /** Failures in a row that open it. Default 5. */
  failures?: number;
  /** How long it stays open, ms. Default 30,000. */
  openMs?: number;
}

/** `closed` lets all calls through, `open` none, `half-open` one, whose outcome decides. */
export type BreakerState =
  | { kind: 'closed'; failures: number }
  | { kind: 'open'; until: number; reason: string }
  | { kind: 'half-open'; reason: string };

/** `busy` is an answer: the dependency is alive. */
const ANSWERS: ReadonlySet<string> = new Set(['busy']);

/**
 * A circuit breaker: after `failures` retryable failures in a row it throws `unavailable` for `openMs` without
 * calling, then lets one call through. Success closes it; another failure opens it again. A refusal is an answer,
 * so it counts as success. Each process has its own breaker: sharing the state would cost requests.
 *
 * @example
 * const bank = new Breaker({ name: 'bank', clock: systemClock });
 * const receipt = await bank.run(() => charge(order));
 */
export class Breaker {
  #current: BreakerState = { kind: 'closed', failures: 0 };
  readonly #failures: number;
  readonly #openMs: number;
  readonly #options: BreakerOptions;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#failures = options.failures ?? 5;
    this.#openMs = options.openMs ?? 30_000;
  }

  get state(): BreakerState {
    return this.#current;
  }

  /** Throws `unavailable` without calling `work` if the breaker is open or its one trial is in progress. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#enter();
    try {
      const value = await work();
      this.#settle(before, undefined);
      return value;
    } catch (thrown) {
      const error = toAppError(thrown);
      this.#settle(before, error.retryable && !ANSWERS.has(error.code) ? error : undefined);
      throw thrown;
    }
  }

  #enter(): BreakerState {
    const state = this.#current;
    if (state.kind === 'closed') return state;
    const { name, clock } = this.#options;
    if (state.kind === 'half-open') {
      throw new AppError('unavailable', `${name} is being tried after ${state.reason}; try again`);
    }
    const leftMs = state.until - clock.now();
    if (leftMs > 0) {
      throw new AppError('unavailable', `${name} is not called for ${leftMs} ms after ${state.reason}`);
    }
    this.#current = { kind: 'half-open', reason: state.reason };
    return this.#current;
  }

  #settle(before: BreakerState, failure: AppError | undefined): void {
    const current = this.#current;
    // a call that began before it opened says nothing about the current state
    if (before.kind === 'closed' && current.kind !== 'closed') return;
    if (failure === undefined) {
      this.#current = { kind: 'closed', failures: 0 };
      return;
    }
    const failures = current.kind === 'closed' ? current.failures + 1 : this.#failures;
    if (failures < this.#failures) {
      this.#current = { kind: 'closed', failures };
      return;
    }
    const reason = `${counted(this.#failures, 'failure')} in a row, the last one ${failure.code}: ${failure.message}`;
    this.#current = { kind: 'open', until: this.#options.clock.now() + this.#openMs, reason };
  }
}

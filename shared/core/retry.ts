import { type Clock, systemClock } from './clock.ts';
import { AppError, toAppError } from './errors.ts';

export interface RetryOptions {
  /** Total attempts, including the first. Default 6. */
  attempts?: number;
  /** Upper bound of the first delay, in ms. Default 100. */
  baseMs?: number;
  /** Upper bound of any delay, in ms. Default 5,000. */
  maxMs?: number;
  /** Selects the failures that are worth a retry. Default: `unavailable`, `quota`, `timeout`. */
  isTransient?: (error: AppError) => boolean;
  /** Ends the wait and the retries; the last failure is thrown, not the abort reason. */
  signal?: AbortSignal | undefined;
  clock?: Clock;
  /** Returns a number in [0, 1). */
  random?: () => number;
  onRetry?: (error: AppError, attempt: number, delayMs: number) => void;
}

/** Full jitter: uniform in [0, min(maxMs, baseMs * 2^(attempt-1))), `attempt` counted from 1. */
export function retryDelay(attempt: number, baseMs: number, maxMs: number, random: () => number): number {
  return random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1));
}

const TRANSIENT: ReadonlySet<string> = new Set(['unavailable', 'quota', 'timeout']);

/** Runs `operation` until it succeeds or fails permanently, the signal aborts, or the attempts run out. */
export async function retry<T>(
  operation: (attempt: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 6, baseMs = 100, maxMs = 5_000, signal } = options;
  const clock = options.clock ?? systemClock;
  const isTransient = options.isTransient ?? ((error) => TRANSIENT.has(error.code));
  for (let attempt = 1; ; attempt++) {
    try {
      signal?.throwIfAborted();
      return await operation(attempt);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (signal?.aborted || attempt >= attempts || !isTransient(error)) throw thrown;
      const delayMs = retryDelay(attempt, baseMs, maxMs, options.random ?? Math.random);
      options.onRetry?.(error, attempt, delayMs);
      await clock.sleep(delayMs, signal).catch(() => {
        throw thrown;
      });
    }
  }
}

/** The signal of one attempt: aborts with a retryable `timeout` after `ms`. */
export function deadline(ms: number, parent?: AbortSignal): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(parent?.reason);
  const timer = setTimeout(() => {
    controller.abort(new AppError('timeout', `not done within ${ms} ms, the time limit of one attempt`));
  }, ms);
  timer.unref();
  if (parent?.aborted) abort();
  parent?.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer);
      parent?.removeEventListener('abort', abort);
    },
  };
}

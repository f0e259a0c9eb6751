import type { Clock } from '../../shared/core/clock.ts';
import { type ErrorCode, isRefusal } from '../../shared/core/errors.ts';
import type { Logger } from '../../shared/core/log.ts';

/** Delay between two attempts: a fault of one response, or one connection, is over by then. */
export const SECOND_LOOK_MS = 1_000;

/** Refusals that corrupted bytes, or one wrong response of storage, can cause. */
const SEEN_IN_BYTES: ReadonlySet<ErrorCode> = new Set([
  'unsupported-media',
  'corrupt-media',
  'too-large',
  'too-long',
  'too-short',
  'object-gone',
]);

export interface LookOptions {
  signal: AbortSignal;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
}

/**
 * Runs `look`, and again a second later if it ends in a refusal that one corrupted read could cause: a single
 * observation never settles an upload permanently. The second outcome stands. `look` must read everything again.
 */
export async function lookTwice<T>(look: () => Promise<T>, options: LookOptions): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!isRefusal(error) || !SEEN_IN_BYTES.has(error.code)) throw error;
    await options.clock.sleep(SECOND_LOOK_MS, options.signal);
    const result = await look();
    options.log.warn('refused on the first read, accepted on the second', {
      code: error.code,
      reason: error.message,
    });
    return result;
  }
}

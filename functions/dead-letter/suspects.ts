import { deliveryAttemptOf } from '../../shared/events/delivery.ts';

/**
 * Failed deliveries that make a letter a suspect: one failure is common, more may be a payload that kills the
 * process.
 */
const FAILED_BEFORE = 2;
const AT_A_TIME = 8;
/** At most one in four suspects runs: the last few must not all start with the one that kills them. */
const SHARE = 4;
/**
 * Pause before suspects are picked: those that return together gather, and the answer to the one that ended has left
 * before the next can kill the process.
 */
const PAUSE_MS = 100;

/**
 * Letters that were delivered before run few at a time, in random order. A letter that kills the process takes all
 * letters in flight with it, and backoff redelivers the same ones together: without randomness it would take the
 * same neighbours each time, until they are given up with it.
 */
export class Suspects {
  #waiting: (() => void)[] = [];
  #running = 0;
  #pausing = false;

  readonly #random: () => number;
  readonly #pauseMs: number;

  constructor(random: () => number = Math.random, pauseMs = PAUSE_MS) {
    this.#random = random;
    this.#pauseMs = pauseMs;
  }

  /** `input` is the function's input. */
  async run<T>(input: unknown, work: () => Promise<T>): Promise<T> {
    if ((deliveryAttemptOf(input) ?? 1) <= FAILED_BEFORE) return work();
    await this.#turn();
    try {
      return await work();
    } finally {
      this.#running--;
      this.#nextSoon();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#running === 0) this.#nextSoon();
    });
  }

  #nextSoon(): void {
    if (this.#pausing || this.#waiting.length === 0) return;
    this.#pausing = true;
    setTimeout(() => {
      this.#pausing = false;
      this.#next();
    }, this.#pauseMs);
  }

  #limit(): number {
    const all = this.#running + this.#waiting.length;
    return Math.max(1, Math.min(AT_A_TIME, Math.floor(all / SHARE)));
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#running < this.#limit()) {
      const [begin] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1);
      this.#running++;
      begin?.();
    }
  }
}

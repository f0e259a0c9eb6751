import { AppError } from './errors.ts';

interface Waiting {
  weight: number;
  enter(): void;
}

export interface Pass {
  /** Reduces the reserved weight to `weight`, the part that is needed. */
  keep(weight: number): void;
  /** Releases everything. */
  leave(): void;
}

/** Admits as much at a time as fits, in order of arrival. */
export class Gate {
  #inside = 0;
  readonly #queue: Waiting[] = [];
  readonly #room: number;
  /** Unit of weight, in the plural. */
  readonly #unit: string;
  readonly #maxWaitMs: number;

  constructor(room: number, unit: string, maxWaitMs: number) {
    this.#room = room;
    this.#unit = unit;
    this.#maxWaitMs = maxWaitMs;
  }

  /**
   * Resolves when there is room. An entry larger than the whole capacity is admitted alone. Rejects with `busy`
   * after the longest wait, and with the signal's reason when aborted.
   */
  async enter(weight: number, signal: AbortSignal): Promise<Pass> {
    signal.throwIfAborted();
    const taken = Math.min(weight, this.#room);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      };
      const waiting: Waiting = {
        weight: taken,
        enter: () => {
          settle();
          resolve(this.#pass(taken));
        },
      };
      const giveUp = (reason: unknown): void => {
        settle();
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        this.#next();
        reject(reason);
      };
      const abort = (): void => giveUp(signal.reason);
      const timer = setTimeout(() => {
        const found = `${this.#inside} and ${weight} more for ${this.#maxWaitMs} ms`;
        giveUp(new AppError('busy', `${this.#unit} at a time must be at most ${this.#room}, got ${found}`));
      }, this.#maxWaitMs);
      signal.addEventListener('abort', abort, { once: true });
      this.#queue.push(waiting);
      this.#next();
    });
  }

  #pass(weight: number): Pass {
    let held = weight;
    this.#inside += held;
    const keep = (kept: number): void => {
      if (kept >= held) return;
      this.#inside -= held - kept;
      held = kept;
      this.#next();
    };
    return { keep, leave: () => keep(0) };
  }

  #next(): void {
    for (;;) {
      const [first] = this.#queue;
      if (!first || this.#inside + first.weight > this.#room) return;
      this.#queue.shift();
      first.enter();
    }
  }
}

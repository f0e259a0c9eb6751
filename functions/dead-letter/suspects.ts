import { deliveryAttemptOf } from '../../shared/events/delivery.ts';

/** Deliveries that failed before: one failure is anybody's, more may be a payload that ends the process. */
const FAILED_BEFORE = 2;
const AT_A_TIME = 8;
/** Of those that are there: the last few must not all begin with the one that kills them. */
const SHARE = 4;
/** For those that come back together to be there when one of them is picked. */
const GATHER_MS = 100;

/**
 * Letters that were delivered before take turns, few at a time and in an order of chance. A letter that ends the
 * process takes all with it that are in flight, and backoff brings the same ones back together: without chance it
 * would take the same neighbours each time, until they are given up with it.
 */
export class Suspects {
  private waiting: (() => void)[] = [];
  private running = 0;
  private gathering = false;

  constructor(private readonly random: () => number = Math.random) {}

  /** `input` is what the function is handed. */
  async run<T>(input: unknown, work: () => Promise<T>): Promise<T> {
    if ((deliveryAttemptOf(input) ?? 1) <= FAILED_BEFORE) return work();
    await this.turn();
    try {
      return await work();
    } finally {
      this.running--;
      this.next();
    }
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      if (this.running > 0 || this.gathering) return;
      this.gathering = true;
      setTimeout(() => {
        this.gathering = false;
        this.next();
      }, GATHER_MS);
    });
  }

  private limit(): number {
    const all = this.running + this.waiting.length;
    return Math.max(1, Math.min(AT_A_TIME, Math.floor(all / SHARE)));
  }

  private next(): void {
    while (this.waiting.length > 0 && this.running < this.limit()) {
      const [begin] = this.waiting.splice(Math.floor(this.random() * this.waiting.length), 1);
      this.running++;
      begin?.();
    }
  }
}

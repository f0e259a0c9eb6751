import type { Clock } from '../../shared/core/clock.ts';

export interface BatchOptions<T> {
  /** Maximum rate, in items per second. */
  rate: number;
  clock: Clock;
  /** Stops the sending between two batches. */
  signal: AbortSignal;
  /** Size of an item, in characters or bytes. */
  sizeOf(item: T): number;
  send(batch: readonly T[]): Promise<unknown>;
}

/** Target number of batches per second, if the rate allows batches at all. */
const BATCHES = 10;
const MAX_BATCH = 500;
const MAX_BATCH_SIZE = 4 * 1024 * 1024;

/** Sends the items in order, in batches, at a steady rate. Returns early if the signal aborts. */
export async function inBatches<T>(
  items: AsyncIterable<T> | Iterable<T>,
  { rate, clock, signal, sizeOf, send }: BatchOptions<T>,
): Promise<void> {
  const most = Math.min(MAX_BATCH, Math.max(1, Math.floor(rate / BATCHES)));
  let next = clock.now();
  let batch: T[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const wait = next - clock.now();
    if (wait > 0) await clock.sleep(wait, signal).catch(() => undefined);
    if (signal.aborted) return;
    // lost time is not made up for: that would exceed the rate
    next = Math.max(next, clock.now()) + (batch.length / rate) * 1_000;
    await send(batch);
    batch = [];
    size = 0;
  };
  for await (const item of items) {
    batch.push(item);
    size += sizeOf(item);
    if (batch.length >= most || size >= MAX_BATCH_SIZE) await flush();
    if (signal.aborted) return;
  }
  await flush();
}

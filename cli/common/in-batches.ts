import type { Clock } from '../../shared/core/clock.ts';

export interface BatchOptions<T> {
  /** Items a second at most. */
  rate: number;
  clock: Clock;
  /** Ends it between two batches. */
  signal: AbortSignal;
  /** Characters or bytes of an item. */
  sizeOf(item: T): number;
  send(batch: readonly T[]): Promise<unknown>;
}

/** Batches a second, where the rate is high enough to make any. */
const BATCHES = 10;
const MAX_BATCH = 500;
const MAX_BATCH_SIZE = 4 * 1024 * 1024;

/** Sends the items batch by batch, in their order, at a steady rate. Ends early when the signal does. */
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
    // time that was lost is not made up for
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

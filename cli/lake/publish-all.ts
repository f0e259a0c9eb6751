import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import { parseMessageLine } from './replay-message.ts';
import type { Line } from './sorted-lines.ts';

export interface PublishAllOptions {
  /** Messages a second at most. */
  rate: number;
  clock: Clock;
  /** Ends it between two batches. */
  signal: AbortSignal;
  publish(messages: readonly OutgoingMessage[]): Promise<unknown>;
  /** So many more are published for certain, up to this key. */
  published(count: number, after: string): Promise<void>;
}

/** Batches a second, where the rate is high enough to make any. */
const BATCHES = 10;
const MAX_BATCH = 500;
const MAX_BATCH_CHARACTERS = 4 * 1024 * 1024;

/** Publishes the messages batch by batch, in their order, at a steady rate. Ends early when the signal does. */
export async function publishAll(lines: AsyncIterable<Line>, options: PublishAllOptions): Promise<void> {
  const { rate, clock, signal, publish, published } = options;
  const size = Math.min(MAX_BATCH, Math.max(1, Math.floor(rate / BATCHES)));
  let next = clock.now();
  let batch: Line[] = [];
  let characters = 0;
  const flush = async (): Promise<void> => {
    const last = batch.at(-1);
    if (last === undefined) return;
    const wait = next - clock.now();
    if (wait > 0) await clock.sleep(wait, signal).catch(() => undefined);
    if (signal.aborted) return;
    // time that was lost is not made up for
    next = Math.max(next, clock.now()) + (batch.length / rate) * 1_000;
    await publish(batch.map(({ text }) => parseMessageLine(text)));
    await published(batch.length, last.key);
    batch = [];
    characters = 0;
  };
  for await (const line of lines) {
    batch.push(line);
    characters += line.text.length;
    if (batch.length >= size || characters >= MAX_BATCH_CHARACTERS) await flush();
    if (signal.aborted) return;
  }
  await flush();
}

import { ahead } from '../../shared/core/ahead.ts';
import { AppError } from '../../shared/core/errors.ts';
import { writeReplay, writeSending } from '../../shared/dead-letters/letter-store.ts';
import type { LetterSummary } from '../../shared/dead-letters/records.ts';
import { replayTopic } from '../../shared/dead-letters/replay-message.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { inBatches } from '../common/in-batches.ts';
import { lateSignal } from '../common/late-signal.ts';
import type { Publishing } from '../common/publisher.ts';
import type { Dlq } from './dlq.ts';
import { readDeath } from './read-death.ts';
import { type Left, messageOf, whySettled } from './replay-plan.ts';

/** Progress, updated while letters are sent, so that it is correct whenever the sending stops. */
export interface Sent {
  /** Letters published and marked. */
  published: string[];
  /** Published letters whose outcome will not be recorded, because the replay mark did not fit into the message. */
  unmarked: string[];
  left: Left[];
}

interface Item {
  letter: LetterSummary;
  topic: string;
  message: OutgoingMessage;
  isMarked: boolean;
}

/** Bound of entries read ahead, in bytes; each may hold 10 MB. */
const READ_AHEAD_BYTES = 64_000_000;
/** Minimum size that an entry counts as, which limits the number read ahead to 64. */
const LEAST_BYTES = 1_000_000;

/**
 * Publishes the letters at a steady rate to their functions' replay topics, and marks each one once Pub/Sub confirms
 * it. A letter interrupted in between is published again by the next run; effects still happen once.
 */
export async function sendLetters(
  dlq: Dlq,
  letters: readonly LetterSummary[],
  {
    key,
    rate,
    again,
    publishing,
    sent,
  }: {
    /** Id of this run, part of every mark. */
    key: string;
    rate: number;
    again: boolean;
    publishing: Publishing;
    sent: Sent;
  },
): Promise<void> {
  const { clock, signal, state } = dlq;
  const late = lateSignal(signal);
  const leave = (
    { letter, concern }: LetterSummary,
    { kind, reason }: Pick<Left, 'kind' | 'reason'>,
  ): undefined => {
    sent.left.push({ letter, concern, kind, reason });
  };

  const load = async (letter: LetterSummary): Promise<Item | undefined> => {
    signal.throwIfAborted();
    const read = await readDeath(dlq, letter.letter);
    if (read.kind === 'expired') return leave(letter, { kind: 'settled', reason: 'expired meanwhile' });
    if (read.kind === 'unreadable') return leave(letter, { ...read, kind: 'not-replayable' });
    // another replay may have settled it meanwhile
    const why = again ? undefined : whySettled(read);
    if (why) return leave(letter, why);
    const replay = messageOf(read.death, key, await dlq.app());
    if (replay.kind === 'impossible') return leave(letter, { ...replay, kind: 'not-replayable' });
    const topic = replayTopic(read.death.function, dlq.place.topicPrefix);
    return { letter, topic, message: replay.message, isMarked: !replay.leftOut.includes('mark') };
  };

  const announce = async ({ letter: { letter }, topic, isMarked }: Item): Promise<void> => {
    if (!isMarked) return;
    const at = new Date(clock.now()).toISOString();
    await writeSending(state, { letter, key, topic, at }, { signal: late.signal });
  };

  const mark = async ({ letter: { letter }, topic, isMarked }: Item, messageId: string): Promise<void> => {
    const at = new Date(clock.now()).toISOString();
    await writeReplay(state, { letter, key, topic, messageId, at }, { signal: late.signal });
    sent.published.push(letter);
    if (!isMarked) sent.unmarked.push(letter);
  };

  /** Publishes items of one topic. A message that the service refuses does not hold up the others. */
  const publish = async (topic: string, items: readonly Item[]): Promise<void> => {
    const messages = items.map(({ message }) => message);
    // recorded first: the function may finish before the publish is confirmed
    await Promise.all(items.map(announce));
    let ids: string[];
    try {
      ids = await publishing.publish(topic, messages);
    } catch (error) {
      if (!isRefused(error)) throw error;
      const [only] = items;
      if (only && items.length === 1) return leave(only.letter, { kind: 'refused', reason: error.message });
      for (const item of items) await publish(topic, [item]);
      return;
    }
    // all settled, not all or nothing, so that `sent` is accurate
    const marks = await Promise.allSettled(items.map((item, index) => mark(item, ids[index] ?? '')));
    for (const outcome of marks) if (outcome.status === 'rejected') throw outcome.reason;
  };

  try {
    await inBatches(
      present(ahead(letters, READ_AHEAD_BYTES, load, ({ bytes }) => Math.max(bytes, LEAST_BYTES))),
      {
        rate,
        clock,
        signal,
        sizeOf: ({ message }) => message.data.length,
        async send(batch) {
          for (const topic of new Set(batch.map((item) => item.topic))) {
            await publish(
              topic,
              batch.filter((item) => item.topic === topic),
            );
          }
        },
      },
    );
  } finally {
    late.remove();
  }
}

function isRefused(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === 'invalid-event' || error.code === 'too-large');
}

async function* present<T>(items: AsyncIterable<T | undefined>): AsyncGenerator<T> {
  for await (const item of items) if (item !== undefined) yield item;
}

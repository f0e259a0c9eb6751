import type { Breaker } from '../core/breaker.ts';
import { AppError, isRefusal } from '../core/errors.ts';
import type { OutgoingMessage, Publisher } from '../gcp/pubsub.ts';

interface Waiting {
  message: OutgoingMessage;
  resolve(messageId: string): void;
  reject(error: unknown): void;
}

/**
 * Collects the messages published to a topic in one turn of the event loop into as few requests as Pub/Sub allows:
 * a fan-out by `Promise.all` takes one request per thousand events.
 */
export class PublishBatches {
  readonly #waiting = new Map<string, Waiting[]>();

  readonly #publisher: () => Promise<Publisher>;
  readonly #breakerOf: (topic: string) => Pick<Breaker, 'run'>;
  readonly #signal: AbortSignal;

  constructor(
    publisher: () => Promise<Publisher>,
    breakerOf: (topic: string) => Pick<Breaker, 'run'>,
    signal: AbortSignal,
  ) {
    this.#publisher = publisher;
    this.#breakerOf = breakerOf;
    this.#signal = signal;
  }

  /** Resolves with the message's id. Throws as `Publisher.publish` does, and `unavailable` while a breaker is open. */
  publish(topic: string, message: OutgoingMessage): Promise<string> {
    return new Promise((resolve, reject) => {
      const batch = this.#waiting.get(topic) ?? [];
      batch.push({ message, resolve, reject });
      if (batch.length > 1) return;
      this.#waiting.set(topic, batch);
      setImmediate(() => {
        this.#waiting.delete(topic);
        void this.#send(topic, batch);
      });
    });
  }

  async #send(topic: string, batch: readonly Waiting[]): Promise<void> {
    try {
      const messages = batch.map(({ message }) => message);
      const signal = this.#signal;
      const publisher = await this.#publisher();
      const ids = await this.#breakerOf(topic).run(() => publisher.publish(topic, messages, { signal }));
      for (const [index, { resolve }] of batch.entries()) resolve(ids[index] ?? '');
    } catch (error) {
      // one bad message fails its whole request: retry them one by one
      if (isRefusal(error) && batch.length > 1) for (const one of batch) await this.#send(topic, [one]);
      else for (const { reject } of batch) reject(unblamed(error));
    }
  }
}

/** A bad outgoing message is our fault, so it must not refuse the event that caused it. */
function unblamed(error: unknown): unknown {
  if (!isRefusal(error)) return error;
  return new AppError('internal', `event not published: ${error.message}`, { cause: error });
}

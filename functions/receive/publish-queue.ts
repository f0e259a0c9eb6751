import { AppError, isRefusal } from '../../shared/core/errors.ts';
import { deadline } from '../../shared/core/retry.ts';
import type { OutgoingMessage, Publisher } from '../../shared/gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../../shared/gcp/pubsub-limits.ts';

/** Messages of one request: published together, or the request fails. */
interface Group {
  messages: readonly OutgoingMessage[];
  bytes: number;
  /** Milliseconds since the epoch; later the sender has given up. */
  expiresAt: number;
  resolve(): void;
  reject(error: unknown): void;
}

export interface PublishQueueOptions {
  topic: string;
  publisher(): Promise<Publisher>;
  /** Time from a request to its answer, in ms. */
  timeoutMs: number;
  now(): number;
}

/** Publish requests at a time. While they run, messages gather for the next. */
const PARALLEL = 4;
/** Bytes of data in one publish request, before base64; a larger message is sent alone. */
const MAX_BYTES = 5_000_000;

/**
 * Publishes the messages of concurrent requests together: thousands of requests a second take a few hundred publish
 * requests. A message waits for nothing while fewer than four of those are under way.
 */
export class PublishQueue {
  readonly #waiting: Group[] = [];
  #running = 0;

  readonly #options: PublishQueueOptions;

  constructor(options: PublishQueueOptions) {
    this.#options = options;
  }

  /**
   * Resolves when Pub/Sub has confirmed all messages. Throws as `Publisher.publish` does; some of them may then have
   * been published.
   */
  publish(messages: readonly OutgoingMessage[]): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    const bytes = messages.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
    const expiresAt = this.#options.now() + this.#options.timeoutMs;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ messages, bytes, expiresAt, resolve, reject });
      if (this.#waiting.length > 1) return;
      // requests that were read in the same turn go together
      setImmediate(() => this.#next());
    });
  }

  #next(): void {
    while (this.#running < PARALLEL && this.#waiting.length > 0) {
      this.#running++;
      void this.#send(this.#take()).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  #take(): Group[] {
    let [count, messages, bytes] = [0, 0, 0];
    for (const group of this.#waiting) {
      messages += group.messages.length;
      bytes += group.bytes;
      if (count > 0 && (messages > PUBSUB_LIMITS.messages || bytes > MAX_BYTES)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #send(taken: readonly Group[]): Promise<void> {
    const now = this.#options.now();
    const groups = taken.filter(({ expiresAt }) => expiresAt > now);
    for (const group of taken) {
      if (group.expiresAt > now) continue;
      group.reject(new AppError('timeout', `Pub/Sub: no turn within ${this.#options.timeoutMs} ms`));
    }
    if (groups.length === 0) return;
    const limit = deadline(Math.min(...groups.map(({ expiresAt }) => expiresAt)) - now);
    try {
      const publisher = await this.#options.publisher();
      const messages = groups.flatMap((group) => group.messages);
      await publisher.publish(this.#options.topic, messages, { signal: limit.signal });
      for (const { resolve } of groups) resolve();
    } catch (error) {
      await this.#failed(groups, error);
    } finally {
      limit.clear();
    }
  }

  async #failed(groups: readonly Group[], error: unknown): Promise<void> {
    // one bad message fails its whole request: the others are published without it
    if (isRefusal(error) && groups.length > 1) for (const one of groups) await this.#send([one]);
    else for (const { reject } of groups) reject(unblamed(error));
  }
}

/** What Pub/Sub says about a message of ours is no answer for its sender. */
function unblamed(error: unknown): unknown {
  if (!isRefusal(error)) return error;
  return new AppError('internal', `events not published: ${error.message}`, { cause: error });
}

import { type Attributes, type Filter, parseFilter } from '../../shared/events/message-filter.ts';
import { Backlog } from './backlog.ts';
import { parseDuration } from './duration.ts';
import type { StoredMessage } from './message-log.ts';
import type { SubscriptionRecord } from './records.ts';

/** Takes messages from a subscription by itself, such as a push. */
export interface Consumer {
  /** Called when there may be something to deliver. */
  wake(): void;
  /** Aborts its requests; they count as never made. */
  close(): void;
}

export interface SubscriptionParts {
  no: number;
  record: SubscriptionRecord;
  firstLease: number;
  onRelease: (message: StoredMessage) => void;
}

/** A running subscription: its record, its backlog, and its consumer. */
export class Subscription {
  readonly no: number;
  readonly backlog: Backlog;
  record: SubscriptionRecord;
  retentionMs = 0;
  /** Time of the last check for expired messages. */
  lookedAt = 0;
  consumer: Consumer | undefined;
  /** Pulls that wait for a message. */
  readonly pulls = new Set<() => void>();
  /** Fires when a lease or a wait expires. */
  timer: { handle: NodeJS.Timeout; at: number } | undefined;
  #filter: Filter | undefined;
  #retry: { minMs: number; maxMs: number } | undefined;

  constructor({ no, record, firstLease, onRelease }: SubscriptionParts) {
    this.no = no;
    this.record = record;
    this.backlog = new Backlog({ ordered: record.enableMessageOrdering === true, firstLease, onRelease });
    this.update(record);
  }

  update(record: SubscriptionRecord): void {
    this.record = record;
    this.#filter = record.filter === undefined ? undefined : parseFilter(record.filter);
    this.retentionMs = parseDuration(record.messageRetentionDuration) ?? 0;
    const { retryPolicy: policy, pushConfig } = record;
    // a failing push endpoint gets a pause, policy or not
    if (policy) this.#retry = bounds(policy.minimumBackoff, policy.maximumBackoff);
    else this.#retry = pushConfig.pushEndpoint === undefined ? undefined : { minMs: 100, maxMs: 60_000 };
    this.backlog.setOrdered(record.enableMessageOrdering === true);
    if (!record.retainAckedMessages) {
      for (const item of [...this.backlog.all()]) if (item.state === 'acked') this.backlog.settle(item);
    }
  }

  matches(attributes: Attributes): boolean {
    return this.#filter?.(attributes) ?? true;
  }

  /** Milliseconds before the next delivery of a message that has failed this many times. */
  backoffMs(failedBefore: number): number {
    if (!this.#retry) return 0;
    return Math.min(this.#retry.maxMs, this.#retry.minMs * 2 ** Math.min(failedBefore, 50));
  }

  wake(): void {
    this.consumer?.wake();
    for (const pull of [...this.pulls]) pull();
  }

  /** Detaches the consumer, until another one is attached. */
  rest(): void {
    this.consumer?.close();
    this.consumer = undefined;
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer.handle);
    this.timer = undefined;
    this.rest();
  }
}

function bounds(minimum: string, maximum: string): { minMs: number; maxMs: number } {
  return { minMs: parseDuration(minimum) ?? 0, maxMs: parseDuration(maximum) ?? 0 };
}

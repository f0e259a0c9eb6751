import { holds, type Item } from './backlog.ts';
import { alreadyExists, invalid, notFound } from './errors.ts';
import type { Message } from './message.ts';
import { messageJson, parseMessage } from './message.ts';
import { idOf, projectOf } from './names.ts';
import type { SubscriptionRecord, TopicRecord } from './records.ts';
import { type FileSizes, State } from './state.ts';
import type { Subscription } from './subscription.ts';

/** A delivered message. */
export interface Delivery {
  item: Item;
  lease: number;
  /** Counted from 1. */
  attempt: number;
}

export interface DeadLetter {
  subscription: string;
  topic: string;
  /** Id of the message given up. */
  messageId: string;
  message: Message;
  attempts: number;
}

export interface BrokerOptions {
  dir: string;
  now: () => number;
  sizes?: FileSizes | undefined;
  onDeadLetter?: ((letter: DeadLetter) => void) | undefined;
  /** Allows push endpoints on other machines. */
  pushAnywhere?: boolean | undefined;
  onTrouble?: ((error: unknown) => void) | undefined;
}

const SWEEP_MS = 30_000;
/** Interval of checks for expired messages: checking a long backlog is not free. */
const LOOK_MS = 1_000;

/** Decides who gets which message when. Everything it confirms is on disk first. */
export class Broker {
  readonly state: State;
  readonly counts = { published: 0, delivered: 0, acknowledged: 0, failed: 0, deadLettered: 0 };
  readonly #now: () => number;
  readonly #sweeper: NodeJS.Timeout;
  readonly #options: BrokerOptions;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#now = options.now;
    this.state = new State(options.dir, options.now, options.sizes, options.onTrouble);
    this.#sweeper = setInterval(() => {
      for (const subscription of this.state.subscriptions.values()) this.#dropOld(subscription);
    }, SWEEP_MS);
    this.#sweeper.unref();
  }

  get pushAnywhere(): boolean {
    return this.#options.pushAnywhere ?? false;
  }

  topic(name: string): TopicRecord {
    const topic = this.state.topics.get(name);
    if (!topic) throw notFound(name);
    return topic;
  }

  createTopic(topic: TopicRecord): TopicRecord {
    if (this.state.topics.has(topic.name)) throw alreadyExists(topic.name);
    this.state.commit({ topic });
    return topic;
  }

  subscription(name: string): Subscription {
    const subscription = this.state.subscriptions.get(name);
    if (!subscription) throw notFound(name);
    return subscription;
  }

  createSubscription(record: SubscriptionRecord): Subscription {
    if (this.state.subscriptions.has(record.name)) throw alreadyExists(record.name);
    this.topic(record.topic);
    if (record.deadLetterPolicy) this.topic(record.deadLetterPolicy.deadLetterTopic);
    this.state.commit({ subscription: record, no: this.state.nextNumber() });
    return this.subscription(record.name);
  }

  updateSubscription(subscription: Subscription, record: SubscriptionRecord): void {
    if (record.deadLetterPolicy) this.topic(record.deadLetterPolicy.deadLetterTopic);
    this.state.commit({ subscription: record, no: subscription.no });
  }

  /** Returns the messages' ids, in order, once all of them are on disk. */
  publish(topic: string, messages: readonly Message[]): string[] {
    this.topic(topic);
    const publishMs = this.#now();
    const subscriptions = this.state.subscriptionsOf(topic);
    const ids = messages.map(() => this.state.nextId());
    const stored = messages.flatMap((message, index) => {
      const to = subscriptions.filter((one) => one.matches(message.attributes)).map(({ no }) => no);
      if (to.length === 0) return [];
      const id = ids[index]!;
      return [{ id, publishMs, key: message.orderingKey, to, json: messageJson(message, id, publishMs) }];
    });
    if (stored.length > 0) this.state.store(stored);
    this.counts.published += messages.length;
    for (const subscription of subscriptions) subscription.wake();
    return ids.map(String);
  }

  /** Leases the next message until it is answered, or for this time. */
  take(subscription: Subscription, leaseMs = Number.POSITIVE_INFINITY): Delivery | undefined {
    this.#dropOld(subscription);
    const item = subscription.backlog.take(this.#now() + leaseMs);
    if (!item) return undefined;
    this.counts.delivered++;
    if (leaseMs !== Number.POSITIVE_INFINITY) this.#arm(subscription);
    return { item, lease: item.lease, attempt: item.failed + 1 };
  }

  read({ item }: Delivery): Buffer {
    return this.state.read(item.message);
  }

  /** On disk when it returns; `soon` if no caller waits for it. */
  acknowledge(subscription: Subscription, ids: number[], when: 'now' | 'soon'): void {
    const known = ids.filter((id) => {
      const state = subscription.backlog.get(id)?.state;
      return state !== undefined && state !== 'acked';
    });
    if (known.length === 0) return;
    this.counts.acknowledged += known.length;
    if (when === 'now') this.state.commit({ ack: subscription.no, ids: known });
    else this.state.note({ ack: subscription.no, ids: known });
    if (subscription.backlog.hasReady()) subscription.wake();
  }

  /** Handles a failed delivery: retried later, or dead-lettered after the last attempt. Stale ones are ignored. */
  refuse(subscription: Subscription, { item, lease }: Pick<Delivery, 'item' | 'lease'>): void {
    if (!holds(item, lease)) return;
    this.counts.failed++;
    const policy = subscription.record.deadLetterPolicy;
    const isLast = policy !== undefined && item.failed + 1 >= policy.maxDeliveryAttempts;
    if (isLast && this.#mayGiveUp(subscription, item)) return;
    const now = this.#now();
    const count = item.failed + 1;
    subscription.backlog.fail(item, now + subscription.backoffMs(item.failed), now);
    this.state.note({ failed: subscription.no, id: item.message.id, count });
    this.#arm(subscription);
    if (subscription.backlog.hasReady()) subscription.wake();
  }

  extend(subscription: Subscription, item: Item, lease: number, ms: number): void {
    subscription.backlog.extend(item, lease, this.#now() + ms);
    this.#arm(subscription);
  }

  seek(subscription: Subscription, ms: number): void {
    this.state.commit({ seek: subscription.no, upTo: this.state.nextId(), ms });
    subscription.wake();
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.state.close();
  }

  /** If a dead letter cannot be written now, it is retried like a failed delivery. */
  #mayGiveUp(subscription: Subscription, item: Item): boolean {
    try {
      return this.#giveUp(subscription, item);
    } catch (error) {
      this.#options.onTrouble?.(error);
      return false;
    }
  }

  /** False if the topic does not exist: then the message stays, and is retried. */
  #giveUp(subscription: Subscription, item: Item): boolean {
    const { record } = subscription;
    const topic = record.deadLetterPolicy!.deadLetterTopic;
    if (!this.state.topics.has(topic)) return false;
    const { id, publishMs } = item.message;
    const attempts = item.failed + 1;
    const message = parseMessage(this.state.read(item.message));
    const attributes = {
      ...message.attributes,
      CloudPubSubDeadLetterSourceDeliveryCount: String(attempts),
      CloudPubSubDeadLetterSourceSubscription: idOf(record.name),
      CloudPubSubDeadLetterSourceSubscriptionProject: projectOf(record.name),
      CloudPubSubDeadLetterSourceTopicPublishTime: new Date(publishMs).toISOString(),
    };
    // published first: a kill in between leaves it in both, never in neither
    this.publish(topic, [{ ...message, attributes }]);
    this.state.note({ ack: subscription.no, ids: [id] });
    this.counts.deadLettered++;
    this.#options.onDeadLetter?.({
      subscription: record.name,
      topic,
      messageId: String(id),
      message,
      attempts,
    });
    if (subscription.backlog.hasReady()) subscription.wake();
    return true;
  }

  #dropOld(subscription: Subscription): void {
    const now = this.#now();
    if (Math.abs(now - subscription.lookedAt) < LOOK_MS) return;
    subscription.lookedAt = now;
    subscription.backlog.dropBefore(now - subscription.retentionMs);
  }

  /** Schedules the end of the subscription's next lease or wait. */
  #arm(subscription: Subscription): void {
    const at = subscription.backlog.nextDue();
    if (at === undefined || (subscription.timer && subscription.timer.at <= at)) return;
    if (subscription.timer) clearTimeout(subscription.timer.handle);
    const handle = setTimeout(() => this.#onDue(subscription), Math.max(1, at - this.#now()));
    subscription.timer = { handle, at };
  }

  #onDue(subscription: Subscription): void {
    subscription.timer = undefined;
    for (const item of subscription.backlog.expired(this.#now())) {
      this.refuse(subscription, { item, lease: item.lease });
    }
    this.#arm(subscription);
    if (subscription.backlog.hasReady()) subscription.wake();
  }
}

/** Identifies a delivery for its consumer; readable, unlike the service's own. */
export function ackIdOf(subscription: Subscription, { item, lease }: Delivery): string {
  return `${subscription.no}-${item.message.id}-${lease}`;
}

export function parseAckId(subscription: Subscription, ackId: string): { id: number; lease: number } {
  const found = /^(\d{1,10})-(\d{1,16})-(\d{1,16})$/.exec(ackId);
  if (!found || Number(found[1]) !== subscription.no) {
    throw invalid(
      `You have passed an invalid ack ID to the service (ack_id=${ackId.slice(0, 200)}).`,
      'ack_ids',
    );
  }
  return { id: Number(found[2]), lease: Number(found[3]) };
}

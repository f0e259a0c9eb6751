import type { StoredMessage } from './message-log.ts';
import { DueHeap, Fifo } from './queues.ts';

/** A message in one subscription. */
export interface Item {
  readonly message: StoredMessage;
  /** Number of failed deliveries: refused, or not acknowledged in time. */
  failed: number;
  /**
   * ready: to be delivered · blocked: an earlier message of its ordering key is unacknowledged · leased: delivered
   * · waiting: delivery failed, not retried before `until` · acked: kept for a seek · gone.
   */
  state: 'ready' | 'blocked' | 'leased' | 'waiting' | 'acked' | 'gone';
  /** Number of the newest delivery: answers to older ones are ignored. */
  lease: number;
  /** Expiry of a lease or a wait, in ms since the epoch. */
  until: number;
}

export interface BacklogOptions {
  /** Delivers one message of an ordering key at a time, in the order of publishing. */
  ordered: boolean;
  /** Higher than any lease number of an earlier process. */
  firstLease: number;
  /** Called when this subscription no longer holds the message. */
  onRelease: (message: StoredMessage) => void;
}

/** The messages of one subscription and their states. Uses neither clock nor disk. */
export class Backlog {
  /** In id order. */
  readonly #items = new Map<number, Item>();
  #ready = new Fifo<Item>();
  #chains = new Map<string, Fifo<Item>>();
  #due = new DueHeap<Item>();
  #leases: number;
  #acked = 0;
  #leased = 0;
  #ordered: boolean;
  readonly #options: BacklogOptions;

  constructor(options: BacklogOptions) {
    this.#options = options;
    this.#leases = options.firstLease;
    this.#ordered = options.ordered;
  }

  setOrdered(ordered: boolean): void {
    if (ordered === this.#ordered) return;
    this.#ordered = ordered;
    this.#enqueueAll();
  }

  /** Number of unacknowledged messages. */
  get size(): number {
    return this.#items.size - this.#acked;
  }

  /** Entries in the heap of due times, outdated ones included. */
  get scheduled(): number {
    return this.#due.size;
  }

  get outstanding(): number {
    return this.#leased;
  }

  /** The unacknowledged message that was published first. */
  oldest(): StoredMessage | undefined {
    for (const { message, state } of this.#items.values()) if (state !== 'acked') return message;
    return undefined;
  }

  add(message: StoredMessage): void {
    const item: Item = { message, failed: 0, state: 'blocked', lease: 0, until: 0 };
    this.#items.set(message.id, item);
    this.#enqueue(item);
  }

  get(id: number): Item | undefined {
    return this.#items.get(id);
  }

  all(): Iterable<Item> {
    return this.#items.values();
  }

  hasReady(): boolean {
    while (this.#ready.size > 0 && this.#ready.peek()!.state !== 'ready') this.#ready.shift();
    return this.#ready.size > 0;
  }

  /** The next message, leased until that time. */
  take(until: number): Item | undefined {
    if (!this.hasReady()) return undefined;
    const item = this.#ready.shift()!;
    item.lease = ++this.#leases;
    this.#become(item, 'leased');
    this.#wakeAt(item, until);
    return item;
  }

  /** Returns an undelivered message: it is next again. */
  putBack(item: Item, lease: number): void {
    if (!holds(item, lease)) return;
    this.#become(item, 'ready');
    this.#ready.unshift(item);
  }

  extend(item: Item, lease: number, until: number): void {
    if (holds(item, lease)) this.#wakeAt(item, until);
  }

  /** Records a failed delivery: the message is ready again at that time. */
  fail(item: Item, readyAt: number, now: number): void {
    item.failed++;
    if (readyAt <= now) {
      this.#makeReady(item);
      return;
    }
    this.#become(item, 'waiting');
    this.#wakeAt(item, readyAt);
  }

  /** Acknowledges; with `keep` the message stays for a seek, else it is gone. */
  settle(item: Item, keep = false): void {
    if (item.state === 'gone' || (keep && item.state === 'acked')) return;
    if (keep) this.#become(item, 'acked');
    else {
      this.#become(item, 'gone');
      this.#items.delete(item.message.id);
      this.#options.onRelease(item.message);
    }
    this.#unblock(item.message.key);
  }

  /** Expired leases; messages whose wait is over become ready as a side effect. */
  expired(now: number): Item[] {
    const leases: Item[] = [];
    for (let next = this.#due.peek(); next && next.at <= now; next = this.#due.peek()) {
      this.#due.pop();
      const { item, at } = next;
      if (item.until !== at) continue;
      if (item.state === 'waiting') this.#makeReady(item);
      else if (item.state === 'leased') leases.push(item);
    }
    return leases;
  }

  nextDue(): number | undefined {
    for (let next = this.#due.peek(); next; next = this.#due.peek()) {
      if (counts(next)) return next.at;
      this.#due.pop();
    }
    return undefined;
  }

  /** Drops messages published before that time. */
  dropBefore(ms: number): void {
    for (const item of this.#items.values()) {
      if (item.message.publishMs >= ms) break;
      this.settle(item);
    }
  }

  /** Up to that id: acknowledges messages published before `ms`, and unacknowledges later ones. */
  seek(ms: number, upTo: number, keep: boolean): void {
    for (const item of [...this.#items.values()]) {
      if (item.message.id > upTo) continue;
      if (item.message.publishMs < ms) this.settle(item, keep);
      else this.#become(item, 'blocked');
    }
    this.#enqueueAll();
  }

  /** Releases every message. */
  clear(): void {
    for (const item of [...this.#items.values()]) this.settle(item);
  }

  /** Queues all unacknowledged messages for delivery, in id order. */
  #enqueueAll(): void {
    this.#ready = new Fifo();
    this.#chains = new Map();
    this.#due = new DueHeap();
    for (const item of this.#items.values()) {
      if (item.state === 'acked') continue;
      this.#become(item, 'blocked');
      this.#enqueue(item);
    }
  }

  #enqueue(item: Item): void {
    const { key } = item.message;
    if (!this.#ordered || key === '') {
      this.#makeReady(item);
      return;
    }
    const chain = this.#chains.get(key) ?? new Fifo<Item>();
    this.#chains.set(key, chain);
    chain.push(item);
    if (chain.size === 1) this.#makeReady(item);
  }

  /** Makes the first remaining message of the key deliverable. */
  #unblock(key: string): void {
    const chain = this.#chains.get(key);
    if (!chain) return;
    const isOver = (item: Item | undefined): boolean => item?.state === 'gone' || item?.state === 'acked';
    while (isOver(chain.peek())) chain.shift();
    const first = chain.peek();
    if (!first) this.#chains.delete(key);
    else if (first.state === 'blocked') this.#makeReady(first);
  }

  #makeReady(item: Item): void {
    this.#become(item, 'ready');
    this.#ready.push(item);
  }

  #become(item: Item, state: Item['state']): void {
    if (item.state === 'leased') this.#leased--;
    if (item.state === 'acked') this.#acked--;
    if (state === 'leased') this.#leased++;
    if (state === 'acked') this.#acked++;
    item.state = state;
  }

  #wakeAt(item: Item, at: number): void {
    item.until = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#due.push(at, item);
    if (this.#due.size > 2 * this.#items.size + 1_000) this.#due.keep(counts);
  }
}

/** True if that delivery is the newest, and unanswered. */
export function holds(item: Item, lease: number): boolean {
  return item.state === 'leased' && item.lease === lease;
}

function counts({ at, item }: { at: number; item: Item }): boolean {
  return item.until === at && (item.state === 'leased' || item.state === 'waiting');
}

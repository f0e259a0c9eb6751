import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type MessageLog, type NewMessage, openMessageLog, type StoredMessage } from './message-log.ts';
import { DELETED_TOPIC, type TopicRecord } from './records.ts';
import { type Entry, fromDeltas, openStateJournal, type StateJournal, toDeltas } from './state-journal.ts';
import { Subscription } from './subscription.ts';

/** Sizes at which files on disk are compacted; smaller in tests, which must see it happen. */
export interface FileSizes {
  /** Size at which messages go to the next file. Default 32 MiB. */
  segmentBytes?: number;
  /** Minimum growth of the journal before it is rewritten. Default 4 MiB. */
  journalBytes?: number;
}

/** The persistent state: topics, subscriptions, messages, and their deliveries. */
export class State {
  readonly topics = new Map<string, TopicRecord>();
  readonly subscriptions = new Map<string, Subscription>();
  readonly #byNumber = new Map<number, Subscription>();
  #numbers = 0;
  #lastId = 0;
  #log!: MessageLog;
  readonly #journal: StateJournal;

  readonly #now: () => number;

  constructor(dir: string, now: () => number, sizes: FileSizes = {}, onTrouble?: (error: unknown) => void) {
    this.#now = now;
    mkdirSync(dir, { recursive: true });
    this.#journal = openStateJournal(
      join(dir, 'state.ndjson'),
      (entries) => {
        // messages refer to subscriptions: replay those first, then messages, then what happened to them
        for (const entry of entries) if ('subscription' in entry) this.#apply(entry);
        this.#log = openMessageLog(
          join(dir, 'messages'),
          (message, to) => this.#deal(message, to),
          sizes.segmentBytes,
        );
        for (const entry of entries) this.#apply(entry);
      },
      () => this.#snapshot(),
      sizes.journalBytes,
      onTrouble,
    );
    // never reuse an id, whatever happened to the clock or was deleted since
    this.#lastId = Math.max(this.#log.lastId, now() * 1_000);
  }

  /** Writes to disk, then applies. */
  commit(entry: Entry): void {
    this.#journal.append(entry);
    this.#apply(entry);
  }

  /** Applies, and writes to disk soon. */
  note(entry: Entry): void {
    this.#apply(entry);
    this.#journal.appendSoon(entry);
  }

  nextNumber(): number {
    return this.#numbers + 1;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** Writes to disk, then adds to the backlogs. */
  store(messages: readonly NewMessage[]): void {
    for (const [index, message] of this.#log.append(messages).entries()) {
      for (const no of messages[index]!.to) this.#byNumber.get(no)?.backlog.add(message);
    }
  }

  read(message: StoredMessage): Buffer {
    return this.#log.read(message);
  }

  subscriptionsOf(topic: string): Subscription[] {
    return [...this.subscriptions.values()].filter(({ record }) => record.topic === topic);
  }

  byNo(no: number): Subscription | undefined {
    return this.#byNumber.get(no);
  }

  close(): void {
    for (const subscription of this.subscriptions.values()) subscription.stop();
    this.#journal.close();
    this.#log.close();
  }

  #deal(message: StoredMessage, to: readonly number[]): void {
    for (const no of to) {
      const subscription = this.#byNumber.get(no);
      if (!subscription) continue;
      message.holders++;
      subscription.backlog.add(message);
    }
  }

  #apply(entry: Entry): void {
    if ('topic' in entry) this.topics.set(entry.topic.name, entry.topic);
    else if ('deletedTopic' in entry) this.#dropTopic(entry.deletedTopic);
    else if ('subscription' in entry) this.#setSubscription(entry);
    else if ('deletedSubscription' in entry) this.#dropSubscription(entry.deletedSubscription);
    else if ('ack' in entry) this.#acknowledge(entry);
    else if ('held' in entry) this.#keepHeld(entry);
    else if ('seek' in entry) this.#seek(entry);
    else if ('numbers' in entry) this.#numbers = Math.max(this.#numbers, entry.numbers);
    else {
      const item = this.#byNumber.get(entry.failed)?.backlog.get(entry.id);
      if (item) item.failed = entry.count;
    }
  }

  #dropTopic(name: string): void {
    this.topics.delete(name);
    for (const subscription of this.subscriptionsOf(name)) {
      subscription.update({ ...subscription.record, topic: DELETED_TOPIC });
    }
  }

  #setSubscription({ subscription: record, no }: Extract<Entry, { subscription: unknown }>): void {
    this.#numbers = Math.max(this.#numbers, no);
    const known = this.#byNumber.get(no);
    if (known) {
      // renamed: a later one may already have the old name
      if (this.subscriptions.get(known.record.name) === known) this.subscriptions.delete(known.record.name);
      this.subscriptions.set(record.name, known);
      known.update(record);
      return;
    }
    const subscription = new Subscription({
      no,
      record,
      firstLease: this.#now() * 1_000,
      onRelease: (message) => this.#log.release(message),
    });
    this.#byNumber.set(no, subscription);
    this.subscriptions.set(record.name, subscription);
  }

  #dropSubscription(no: number): void {
    const subscription = this.#byNumber.get(no);
    if (!subscription) return;
    this.#byNumber.delete(no);
    // during replay, a later one may already have the name
    if (this.subscriptions.get(subscription.record.name) === subscription) {
      this.subscriptions.delete(subscription.record.name);
    }
    subscription.stop();
    subscription.backlog.clear();
  }

  #acknowledge({ ack, ids }: Extract<Entry, { ack: unknown }>): void {
    const subscription = this.#byNumber.get(ack);
    if (!subscription) return;
    const keep = subscription.record.retainAckedMessages === true;
    for (const id of ids) {
      const item = subscription.backlog.get(id);
      if (item) subscription.backlog.settle(item, keep);
    }
  }

  #keepHeld({ held, upTo, ids, acked }: Extract<Entry, { held: unknown }>): void {
    const backlog = this.#byNumber.get(held)?.backlog;
    if (!backlog) return;
    const kept = new Set(fromDeltas(ids));
    const done = new Set(fromDeltas(acked));
    for (const item of [...backlog.all()]) {
      const { id } = item.message;
      if (id > upTo) break;
      if (!kept.has(id)) backlog.settle(item);
      else if (done.has(id)) backlog.settle(item, true);
    }
  }

  #seek({ seek, upTo, ms }: Extract<Entry, { seek: unknown }>): void {
    const subscription = this.#byNumber.get(seek);
    subscription?.backlog.seek(ms, upTo, subscription.record.retainAckedMessages === true);
  }

  *#snapshot(): Iterable<Entry> {
    yield { numbers: this.#numbers };
    for (const topic of this.topics.values()) yield { topic };
    for (const { no, record, backlog } of this.subscriptions.values()) {
      yield { subscription: record, no };
      const items = [...backlog.all()];
      const acked = items.filter(({ state }) => state === 'acked');
      yield { held: no, upTo: this.#lastIdEver(), ids: idsOf(items), acked: idsOf(acked) };
      for (const { failed, message } of items) {
        if (failed > 0) yield { failed: no, id: message.id, count: failed };
      }
    }
  }

  #lastIdEver(): number {
    return Math.max(this.#lastId, this.#log.lastId);
  }
}

function idsOf(items: readonly { message: StoredMessage }[]): number[] {
  return toDeltas(items.map(({ message }) => message.id));
}

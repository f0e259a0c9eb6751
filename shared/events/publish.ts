import { isAttributeText } from '../core/attribute-text.ts';
import type { Breaker } from '../core/breaker.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { readJsonText } from '../core/json-text.ts';
import { quoted } from '../core/json-value.ts';
import { sha256 } from '../core/sha256.ts';
import { readTraceparent } from '../core/traceparent.ts';
import type { OutgoingMessage, Publisher } from '../gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../gcp/pubsub-limits.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { canonicalHash } from './canonical-json.ts';
import { EventBudget } from './event-budget.ts';
import { describeChain, type Hops, nextHops, readHops } from './hops.ts';
import { type OutgoingAttributes, structuredMessage } from './outgoing-event.ts';
import { PublishBatches } from './publish-batches.ts';
import { DEFAULT_LIMITS, type PublishLimits } from './publish-limits.ts';

export interface EventToPublish {
  type: string;
  /** JSON; undefined for an event without data. */
  data: unknown;
  subject?: string | undefined;
  dataschema?: string | undefined;
  /** Events with the same key are delivered in order if the subscription enables ordering. */
  orderingKey?: string | undefined;
  /**
   * Distinguishes this event from others of its type and cause, at most 1,024 characters. Required if subject or
   * data differ between deliveries, as a timestamp does.
   */
  key?: string | undefined;
  /** Replaces the derived id. Must be derived from the cause, too. */
  id?: string | undefined;
  /** Default `/<function>`. */
  source?: string | undefined;
  /** RFC 3339. Default: now. */
  time?: string | undefined;
}

export interface Published {
  /** The event's id attribute. */
  id: string;
  messageId: string;
}

/** An event that is ready to be sent: as an outbox keeps it. Its id, links and hops are final. */
export interface PreparedEvent {
  /** Key of the app's topics. */
  topic: string;
  /** The event's id attribute. */
  id: string;
  type: string;
  /** JSON text of the message's data. */
  data: string;
  attributes: Readonly<Record<string, string>>;
  orderingKey: string | undefined;
}

/** The event whose delivery publishes. Untrusted values are passed as found and bounded here. */
export interface Cause {
  /** Name of the function that handles it. */
  function: string;
  /** 64 hex digits. */
  eventId: string;
  correlationId?: string | undefined;
  hops?: unknown;
  hopchain?: unknown;
  traceparent?: string | undefined;
}

export interface PublishTools {
  /** By key: short names or `projects/P/topics/T`. */
  topics: Readonly<Record<string, string>>;
  publisher(): Promise<Publisher>;
  /** Opened only if slots are counted. */
  state(): Promise<ObjectStore>;
  breakerOf(dependency: string): Pick<Breaker, 'run'>;
  limits?: Partial<PublishLimits>;
  clock: Pick<Clock, 'now'>;
  signal: AbortSignal;
}

/**
 * Publishes the events that one delivery of one event causes, each at least once.
 *
 * The id is derived from the function, the cause and the event: its type, subject and data (as canonical JSON), or
 * its type and `key`. The order of calls does not matter, nor does the topic: the same event on two topics has one
 * id. Identical events are numbered. Correlation, trace and hops are propagated.
 *
 * Throws `loop` above the hop limit, `too-many-events` above the budget, what `Publisher.publish` throws, and
 * `internal` if the event itself is malformed.
 *
 * @example
 * const outgoing = new Outgoing(cause, tools);
 * await outgoing.publish('userEvents', { type: 'user.welcomed', data: { id } });
 */
export class Outgoing {
  readonly #limits: PublishLimits;
  readonly #before: Hops;
  readonly #correlationId: string;
  readonly #budget: EventBudget;
  readonly #batches: PublishBatches;
  /** Numbers in use by identical events, by topic and content. */
  readonly #numbers = new Map<string, Set<number>>();
  readonly #counts: Record<string, number> = {};
  readonly #cause: Cause;
  readonly #tools: PublishTools;

  constructor(cause: Cause, tools: PublishTools) {
    this.#cause = cause;
    this.#tools = tools;
    const { state, publisher, breakerOf, signal } = tools;
    this.#limits = { ...DEFAULT_LIMITS, ...tools.limits };
    this.#before = readHops(cause.hops, cause.hopchain);
    this.#correlationId = cause.correlationId ?? cause.eventId;
    this.#budget = new EventBudget({
      state,
      limit: this.#limits.maxEventsPerCorrelation,
      correlationId: this.#correlationId,
      isChained: this.#before.count > 0,
      signal,
    });
    this.#batches = new PublishBatches(publisher, (topic) => breakerOf(`topic ${topic}`), signal);
  }

  /** Number of events published so far, by type. */
  get published(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  /** `topic` is a key of the app's topics. */
  async publish(topic: string, event: EventToPublish): Promise<Published> {
    const name = this.#topicNamed(topic);
    return this.#complete(name, event, async (id, message) => {
      const messageId = await this.#batches.publish(name, message);
      return { id, messageId };
    });
  }

  /**
   * What `publish` would send, checked and counted like it, and sent by somebody else later: for an outbox, whose row
   * is written in the transaction of the change that the event reports.
   */
  async prepare(topic: string, event: EventToPublish): Promise<PreparedEvent> {
    return this.#complete(this.#topicNamed(topic), event, async (id, { data, attributes }) => ({
      ...{ topic, id, type: event.type, data: Buffer.from(data).toString(), attributes: attributes ?? {} },
      orderingKey: event.orderingKey,
    }));
  }

  /** `topic` is the topic's name. */
  async #complete<T>(
    topic: string,
    event: EventToPublish,
    send: (id: string, message: OutgoingMessage) => Promise<T>,
  ): Promise<T> {
    const { type } = event;
    checkAttributes(event);
    const hops = nextHops(this.#before, this.#cause.function, type);
    if (hops.count > this.#limits.maxHops) {
      const found = `${hops.count}: ${describeChain(hops)}`;
      throw new AppError('loop', `hops must be at most ${this.#limits.maxHops} (MAX_HOPS), got ${found}`);
    }
    const data = event.data === undefined ? undefined : JSON.stringify(event.data);
    const { id, release } = this.#identify(topic, event, data);
    try {
      await this.#budget.admit(type, id);
      const sent = await send(id, this.#messageOf(event, id, hops, data));
      this.#counts[type] = (this.#counts[type] ?? 0) + 1;
      return sent;
    } catch (error) {
      // the handler may retry the same event, which must get the same number
      release();
      throw error;
    }
  }

  #topicNamed(key: string): string {
    const { topics } = this.#tools;
    const name = Object.hasOwn(topics, key) ? topics[key] : undefined;
    if (name !== undefined) return name;
    const known = Object.keys(topics).join(', ') || 'none';
    throw new AppError('invalid-config', `topic must be one of ${known}, got ${quoted(key)}`);
  }

  #identify(
    topic: string,
    { id, type, subject, key }: EventToPublish,
    data: string | undefined,
  ): { id: string; release(): void } {
    const keep = (): void => {};
    if (id !== undefined) return { id, release: keep };
    const base = ['published', this.#cause.function, this.#cause.eventId, type];
    if (key !== undefined) return { id: sha256(JSON.stringify([...base, 'key', key])), release: keep };
    const content = [...base, 'content', subject ?? null, data === undefined ? null : contentHash(data)];
    const alike = JSON.stringify([topic, ...content]);
    const used = this.#numbers.get(alike) ?? new Set();
    this.#numbers.set(alike, used);
    let number = 0;
    while (used.has(number)) number++;
    used.add(number);
    return { id: sha256(JSON.stringify([...content, number])), release: () => used.delete(number) };
  }

  #messageOf(event: EventToPublish, id: string, hops: Hops, data: string | undefined) {
    const { function: by, eventId, traceparent } = this.#cause;
    const attributes: OutgoingAttributes = {
      id,
      source: event.source ?? `/${by}`,
      type: event.type,
      subject: event.subject,
      time: event.time ?? new Date(this.#tools.clock.now()).toISOString(),
      dataschema: event.dataschema,
      correlationid: this.#correlationId,
      causationid: eventId,
      traceparent: readTraceparent(traceparent),
      hops: hops.count,
      hopchain: hops.chain.join('>'),
    };
    return structuredMessage({ ...attributes }, data, event.orderingKey);
  }
}

/** Ignores the order of an object's members. */
function contentHash(json: string): string {
  return canonicalHash(json, readJsonText(json, { maxDepth: Number.POSITIVE_INFINITY }));
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system */
function checkAttributes(event: EventToPublish): void {
  for (const name of ['type', 'subject', 'dataschema', 'key', 'id', 'source'] as const) {
    const value = event[name];
    if (value === undefined && name !== 'type') continue;
    const isText = typeof value === 'string' && isAttributeText(value);
    // an object's name may have 1,024 bytes, and more once it is encoded
    const longest = (name === 'subject' ? 4 : 1) * PUBSUB_LIMITS.attributeValue;
    if (isText && value !== '' && value.length <= longest) continue;
    const found = typeof value === 'string' ? `${value.length} characters` : typeof value;
    throw new AppError(
      'internal',
      `${name} must be Unicode of 1 to ${longest} characters without control characters, got ${found}`,
    );
  }
}

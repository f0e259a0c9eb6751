import type { Breaker } from '../core/breaker.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { type EventToPublish, Outgoing, type PreparedEvent, type Published } from '../events/publish.ts';
import type { PublishLimits } from '../events/publish-limits.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import { record } from '../records/record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { breakerOf } from './dependency.ts';
import { type EffectOptions, type EffectWork, runEffect } from './effect.ts';
import { checkedName, recordsOf } from './effect-records.ts';

/** Calls available to a handler. One value per delivery. */
export interface Calls {
  /**
   * A decision that every delivery of the event must share: computed and stored once, then read by later
   * deliveries. `compute` must have no side effects: two deliveries may both run it, and one result is kept.
   *
   * @example
   * const { code } = await record('voucher', () => ({ code: randomUUID() }));
   */
  record<T>(name: string, compute: () => T | Promise<T>): Promise<T>;
  /**
   * A side effect that cannot be undone, such as a payment or a mail.
   *
   * @example
   * const { receipt } = await effect('charge', ({ idempotencyKey }) => bank.charge(order, idempotencyKey), {
   *   onUnknown: 'again',
   * });
   */
  effect<T>(name: string, work: EffectWork<T>, options: EffectOptions): Promise<T>;
  /**
   * Publishes an event that this one causes. A redelivery publishes the same id. `topic` is a key of the app's topics.
   *
   * @example
   * await publish('userEvents', { type: 'user.welcomed', subject: `users/${id}`, data: { id } });
   */
  publish(topic: string, event: EventToPublish): Promise<Published>;
  /**
   * The event that `publish` would send, without sending it: for an outbox, whose row is written in the transaction of
   * the change that the event reports. Its id follows from its cause, and its hops are counted, as with `publish`.
   *
   * @example
   * const event = await prepare('events', { type: 'order.confirmed', data: { orderId }, orderingKey: orderId });
   */
  prepare(topic: string, event: EventToPublish): Promise<PreparedEvent>;
  /**
   * A call to an external service, through the circuit breaker of that name: if it keeps failing, later calls throw
   * `unavailable` at once until it has had time to recover.
   *
   * @example
   * const rates = await dependency('exchange-rates', () => fetchRates(signal));
   */
  dependency<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Number of events published or prepared so far, by type. */
  published(): Readonly<Record<string, number>>;
}

/** Facts about the event whose delivery makes the calls. Untrusted values are read and bounded here. */
export interface CallsOptions {
  /** Store of records, effects and slots; opened only when one of them is needed. */
  state(): Promise<ObjectStore>;
  publisher(): Promise<Publisher>;
  /** By key: short names or `projects/P/topics/T`. */
  topics: Readonly<Record<string, string>>;
  /** Name of the function. */
  function: string;
  /** Identity of the event over all its deliveries: 64 hex digits. */
  eventId: string;
  /** Default: the event's id, since the event then starts a chain. */
  correlationId?: string | undefined;
  /** The event's `hops` extension, as found. Default 0: no function of ours caused it. */
  hops?: unknown;
  /** Its `hopchain` extension, as found. */
  hopchain?: unknown;
  /** W3C trace context to propagate. */
  traceparent?: string | undefined;
  limits?: Partial<PublishLimits>;
  /** Default: this process's breakers, by name. */
  breakers?: (name: string) => Pick<Breaker, 'run'>;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/** The calls of one delivery. Opens nothing until one of them is made. */
export function createCalls(options: CallsOptions): Calls {
  const { state, eventId, clock, log, signal, function: by } = options;
  const breakers = options.breakers ?? breakerOf;
  const { publisher, topics, limits = {} } = options;
  const outgoing = new Outgoing(options, {
    publisher,
    topics,
    state,
    limits,
    clock,
    signal,
    breakerOf: breakers,
  });
  return {
    async record(name, compute) {
      const key = `${recordsOf({ function: by, eventId })}${checkedName('record', name)}.json`;
      return record(await state(), key, compute, { signal });
    },
    async effect(name, work, how) {
      return runEffect({ state: await state(), function: by, eventId, name, clock, log, signal }, work, how);
    },
    publish: (topic, event) => outgoing.publish(topic, event),
    prepare: (topic, event) => outgoing.prepare(topic, event),
    dependency: (name, work) => breakers(name).run(work),
    published: () => outgoing.published,
  };
}

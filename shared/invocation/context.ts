import type { App } from '../app/define-app.ts';
import type { Logger } from '../core/log.ts';
import type { Env } from '../core/settings.ts';
import type { Column } from '../delta/index.ts';
import type { CloudEvent } from '../events/cloud-event.ts';
import type { PublishLimits } from '../events/publish-limits.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import type { AppTable, AppTables } from '../lake/app-tables.ts';
import type { TableDefinition } from '../lake/named-table.ts';
import type { Calls } from '../patterns/calls.ts';
import type { ObjectStore, Storage } from '../storage/object-store.ts';
import type { Invocation } from './handle.ts';
import { reportPublished } from './outcome.ts';
import { bucketOf, topicNamed, topicsOf } from './places.ts';
import type { Tracing } from './start-tracing.ts';

/** What a handler gets besides its event. One value per delivery. */
export interface Context<S = undefined> extends Invocation, Calls {
  /** The parsed settings of the function. */
  settings: S;
  /** Every bucket of the storage service, by its full name. */
  storage: Storage;
  /** A bucket of the app, by its key. Throws `invalid-config` if the environment does not name it. */
  bucket(key: string): ObjectStore;
  /** The name of a topic of the app, by its key, for `publisher`. Throws `invalid-config` as `bucket` does. */
  topicNamed(key: string): string;
  /**
   * A table that the app declares in `tables`: each row is there once, however often it is added. The handler must
   * have `tables: openTables`.
   *
   * @example await table(SIGNUPS).add({ user_id: data.userId, signed_up_at: new Date(event.time) });
   */
  table<Columns extends readonly Column[]>(definition: TableDefinition<Columns>): AppTable<Columns>;
  /** The client behind `publish`, for messages that are not events, and for those that `prepare` returned. */
  publisher(): Promise<Publisher>;
  app: App;
  /** For one of several events in a message: its calls and its published events belong to that event. */
  forEvent(event: CloudEvent): Context<S>;
}

/** What the writers of an app's tables need. */
export type TableWiring = Pick<Wiring<unknown>, 'app' | 'env' | 'storage' | 'log'>;

/** What an instance shares among all of its deliveries. */
export interface Wiring<S> {
  settings: S;
  storage: Storage;
  publisher(): Promise<Publisher>;
  state(): Promise<ObjectStore>;
  app: App;
  functionName: string;
  limits: PublishLimits;
  env: Env;
  log: Logger;
  /** The writers of the app's tables; opened when a row is added. */
  tables(): AppTables;
  /** Undefined if tracing is off. */
  tracing: Tracing | undefined;
}

/** Created thousands of times a second, so members are built lazily. */
class DeliveryContext<S> implements Context<S> {
  readonly event: CloudEvent;
  readonly eventId: string;
  readonly historyId: string;
  readonly correlationId: string;
  readonly attempt: number | undefined;
  readonly log: Invocation['log'];
  readonly signal: AbortSignal;
  readonly clock: Invocation['clock'];
  readonly startedAt: number;
  readonly trace: Invocation['trace'];
  readonly traceparent: string | undefined;
  readonly report: Invocation['report'];
  readonly settings: S;
  readonly storage: Storage;
  readonly publisher: () => Promise<Publisher>;
  readonly app: App;
  #opened: Promise<Calls> | undefined;
  #counts: Calls['published'] | undefined;
  readonly #wiring: Wiring<S>;
  readonly #invocation: Invocation;

  constructor(wiring: Wiring<S>, invocation: Invocation) {
    this.#wiring = wiring;
    this.#invocation = invocation;
    this.event = invocation.event;
    this.eventId = invocation.eventId;
    this.historyId = invocation.historyId;
    this.correlationId = invocation.correlationId;
    this.attempt = invocation.attempt;
    this.log = invocation.log;
    this.signal = invocation.signal;
    this.clock = invocation.clock;
    this.startedAt = invocation.startedAt;
    this.trace = invocation.trace;
    this.traceparent = invocation.traceparent;
    this.report = invocation.report;
    this.settings = wiring.settings;
    const { storage, publisher } = wiring.tracing?.clients(wiring, invocation.trace) ?? wiring;
    this.storage = storage;
    this.publisher = publisher;
    this.app = wiring.app;
  }

  // getters, so that a handler can destructure its context

  get bucket(): Context['bucket'] {
    const { app, env } = this.#wiring;
    return (key) => bucketOf({ storage: this.storage, app, env }, key);
  }

  get topicNamed(): Context['topicNamed'] {
    return (key) => topicNamed(this.#wiring, key);
  }

  get table(): Context['table'] {
    const { tables } = this.#wiring;
    return (definition) => ({
      add: async (row) => tables().table(definition, this.signal).add(row),
    });
  }

  get forEvent(): Context<S>['forEvent'] {
    return (event) => contextOf(this.#wiring, invocationOf(event, this.#invocation));
  }

  get record(): Calls['record'] {
    return async (...args) => (await this.#calls()).record(...args);
  }

  get effect(): Calls['effect'] {
    return async (...args) => (await this.#calls()).effect(...args);
  }

  get dependency(): Calls['dependency'] {
    return async (...args) => (await this.#calls()).dependency(...args);
  }

  get publish(): Calls['publish'] {
    return async (topic, event) => {
      const published = await (await this.#calls()).publish(topic, event);
      const { type, source = `/${this.#wiring.functionName}` } = event;
      reportPublished(this.log, { type, source, topic, messageId: published.messageId });
      return published;
    };
  }

  get prepare(): Calls['prepare'] {
    return async (...args) => (await this.#calls()).prepare(...args);
  }

  get published(): Calls['published'] {
    return () => this.#counts?.() ?? {};
  }

  /** Loads the calls on first use. */
  #calls(): Promise<Calls> {
    this.#opened ??= import('../patterns/calls.ts').then(({ createCalls }) => {
      const { state, functionName, limits } = this.#wiring;
      const calls = createCalls({
        ...{
          state,
          publisher: this.publisher,
          limits,
          function: functionName,
          topics: topicsOf(this.#wiring),
        },
        ...causeOf(this.#invocation),
      });
      this.#counts = calls.published;
      return calls;
    });
    return this.#opened;
  }
}

export function contextOf<S>(wiring: Wiring<S>, invocation: Invocation): Context<S> {
  return new DeliveryContext(wiring, invocation);
}

function invocationOf(event: CloudEvent, outer: Invocation): Invocation {
  const { eventId, correlationId = eventId, traceparent = outer.traceparent } = event;
  const log = outer.log.with({ eventId });
  return { ...outer, event, eventId, historyId: eventId, correlationId, traceparent, log };
}

function causeOf(invocation: Invocation) {
  const { event, eventId, correlationId, traceparent, clock, log, signal } = invocation;
  const { hops, extensions } = event;
  return {
    ...{ eventId, correlationId, traceparent, hops, clock, log, signal },
    hopchain: extensions['hopchain'],
  };
}

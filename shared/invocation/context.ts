import type { App } from '../app/define-app.ts';
import { AppError } from '../core/errors.ts';
import { quoted } from '../core/json-value.ts';
import type { Env } from '../core/settings.ts';
import type { CloudEvent } from '../events/cloud-event.ts';
import type { PublishLimits } from '../events/publish-limits.ts';
import type { Publisher } from '../gcp/pubsub.ts';
import type { Calls } from '../patterns/calls.ts';
import type { ObjectStore, Storage } from '../storage/object-store.ts';
import type { Invocation } from './handle.ts';
import { reportPublished } from './outcome.ts';
import type { Tracing } from './start-tracing.ts';

/** What a function's handler is given beside its event. One value per delivery. */
export interface Context<S = undefined> extends Invocation, Calls {
  /** As the function's own settings were read. */
  settings: S;
  /** Every bucket of the storage service, by its real name. */
  storage: Storage;
  /** A bucket of the app, by its key there. Throws `invalid-config` if the environment does not name it. */
  bucket(key: string): ObjectStore;
  /** The client behind `publish`, for messages that are no events. */
  publisher(): Promise<Publisher>;
  app: App;
  /** For one of several events in a message: what is called and published with it belongs to that event. */
  forEvent(event: CloudEvent): Context<S>;
}

/** What an instance has for all of its deliveries. */
export interface Wiring<S> {
  settings: S;
  storage: Storage;
  publisher(): Promise<Publisher>;
  state(): Promise<ObjectStore>;
  app: App;
  functionName: string;
  limits: PublishLimits;
  env: Env;
  /** Undefined if nobody wants spans. */
  tracing: Tracing | undefined;
}

export function contextOf<S>(wiring: Wiring<S>, invocation: Invocation): Context<S> {
  const { settings, app, tracing } = wiring;
  const { storage, publisher } = tracing ? tracing.clients(wiring, invocation.trace) : wiring;
  return {
    ...invocation,
    ...lazyCalls({ ...wiring, publisher }, invocation),
    ...{ settings, storage, publisher, app },
    bucket: (key) => bucketOf(wiring, key),
    forEvent: (event) => contextOf(wiring, invocationOf(event, invocation)),
  };
}

function invocationOf(event: CloudEvent, outer: Invocation): Invocation {
  const { eventId, correlationId = eventId, traceparent = outer.traceparent } = event;
  const log = outer.log.with({ eventId });
  return { ...outer, event, eventId, historyId: eventId, correlationId, traceparent, log };
}

/** A bucket of the app by its key. Throws `invalid-config` if the app has none, or the environment does not name it. */
export function bucketOf(
  { storage, app: { buckets }, env }: Pick<Wiring<unknown>, 'storage' | 'app' | 'env'>,
  key: string,
): ObjectStore {
  const declared = Object.hasOwn(buckets, key) ? buckets[key] : undefined;
  if (declared === undefined) {
    const known = Object.keys(buckets).join(', ') || 'none';
    throw new AppError('invalid-config', `bucket must be one of ${known}, got ${quoted(key)}`);
  }
  const name = textOf(declared.env, env);
  if (name === undefined) throw new AppError('invalid-config', `configuration: ${declared.env} must be set`);
  return storage.bucket(name);
}

/** The calls are loaded with the first of them. */
function lazyCalls<S>(wiring: Wiring<S>, invocation: Invocation): Calls {
  let opened: Promise<Calls> | undefined;
  let published: Calls['published'] = () => ({});
  const open = (): Promise<Calls> => {
    opened ??= import('../patterns/calls.ts').then(({ createCalls }) => {
      const calls = createCalls({
        ...{ state: wiring.state, publisher: wiring.publisher, function: wiring.functionName },
        ...{ topics: topicsOf(wiring), limits: wiring.limits },
        ...causeOf(invocation),
      });
      published = () => calls.published();
      return calls;
    });
    return opened;
  };
  return {
    record: async (...args) => (await open()).record(...args),
    effect: async (...args) => (await open()).effect(...args),
    async publish(topic, event) {
      const published = await (await open()).publish(topic, event);
      const { type, source = `/${wiring.functionName}` } = event;
      reportPublished(invocation.log, { type, source, topic, messageId: published.messageId });
      return published;
    },
    dependency: async (...args) => (await open()).dependency(...args),
    published: () => published(),
  };
}

function causeOf(invocation: Invocation) {
  const { event, eventId, correlationId, traceparent, clock, log, signal } = invocation;
  const { hops, extensions } = event;
  return {
    ...{ eventId, correlationId, traceparent, hops, clock, log, signal },
    hopchain: extensions['hopchain'],
  };
}

/** Topics whose names the environment has, by their keys in the app. */
function topicsOf<S>({ app, env }: Wiring<S>): Record<string, string> {
  const named = Object.entries(app.topics).map(([key, { env: variable }]) => [key, textOf(variable, env)]);
  return Object.fromEntries(named.filter(([, name]) => name !== undefined));
}

function textOf(variable: string | undefined, env: Env): string | undefined {
  return variable === undefined ? undefined : env[variable]?.trim() || undefined;
}

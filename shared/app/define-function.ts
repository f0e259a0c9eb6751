import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppRefusalCode } from '../core/errors.ts';
import type { Settings } from '../core/settings.ts';
import type { App } from './define-app.ts';
import type { SubjectReader } from './subject.ts';
import { type EventTrigger, type Http, isFiredByEventarc, type Trigger } from './trigger.ts';

/** Matches the names of objects that begin and end like this. */
export interface NamePattern {
  startsWith?: string;
  endsWith: string;
}

export interface Role {
  role: string;
  /**
   * `project`, `function` (itself), the key of a bucket or topic, `sources` (each bucket that fires a function) or
   * `results` (each bucket that a function is `settledIn`). Never use the project if a narrower target will do.
   */
  on: string;
  reason: string;
  /** Objects of the bucket that the role is limited to; undefined for all. */
  names?: readonly NamePattern[];
}

export interface Instance {
  /** In Cloud Run's notation, such as `512Mi` or `1Gi`. */
  memory: string;
  cpu: number;
  /** Concurrent requests per instance. */
  concurrency: number;
  maxInstances: number;
  /** At most 540 for event-driven functions. */
  timeoutSeconds: number;
}

/** What `load` imports for an event-driven function. */
export interface Handler {
  /** Resolves with the answer to the platform; see `eventHandler`. `app` is the app that runs it. */
  handle(event: unknown, app: App, definition: FunctionDefinition): Promise<Settlement>;
}

/** A request as functions-framework passes it, its body parsed by content type. */
export interface HttpRequest extends IncomingMessage {
  body?: unknown;
  rawBody?: Buffer;
}

/** What `load` imports for an `http` function. */
export interface HttpHandler {
  /** Must answer the request before it resolves. If it throws first, the caller gets 500. See `requestHandler`. */
  serve(
    request: HttpRequest,
    response: ServerResponse,
    app: App,
    definition: FunctionDefinition,
  ): Promise<void>;
}

/**
 * `settled`: acknowledge the delivery. `busy`: another delivery of the same event is running; redeliver this one
 * later. Nothing failed, so nothing is recorded.
 */
export type Settlement = { kind: 'settled' } | { kind: 'busy'; reason: string };

interface FunctionFields {
  /** camelCase; its name in the cloud is the lower-case form. */
  name: string;
  instance: Instance;
  /** Its own roles; defineFunction adds those that its trigger needs. */
  roles: readonly Role[];
  /**
   * Google APIs that it calls, besides those of its trigger, buckets and topics: the purpose by name, without
   * `.googleapis.com`. The deployment enables them.
   */
  apis: Readonly<Record<string, string>>;
  /**
   * Refusals of its own, by code, such as `app-no-address`: what to do about such a dead letter, in one line, as
   * `dlq show` says it.
   */
  refusals: Readonly<Record<AppRefusalCode, string>>;
  /** Environment variables that it reads, besides the names of the app's buckets and topics. */
  settings: Settings;
  /** Environment variables held by Secret Manager, or by `.secrets.env` in a local run. */
  secrets: readonly string[];
  /**
   * Secrets that a running instance reads again after a rotation: each is a file, mounted at `secretFile(name)`, or
   * `.secrets/NAME` in a local run.
   */
  secretFiles: readonly string[];
  /**
   * Imports the function that reads an event's subject; undefined if its failures are not explained. Default: the
   * object, for buckets; the message's event, for topics; the tick, for schedules. A handler that identifies its
   * events otherwise needs one of its own.
   */
  subject: (() => Promise<SubjectReader>) | undefined;
  /** Key of the bucket whose objects show that a subject is settled. */
  settledIn?: string;
  /**
   * Why it does not fire itself forever, although its roles let it write to the bucket or topic that fires it, or to
   * one that fires a function which writes there.
   */
  firesItself?: string;
}

export interface FunctionDefinition extends FunctionFields {
  trigger: Trigger;
  /** Deliveries before Pub/Sub gives up, 5 to 100. Ignored for `http`. */
  maxDeliveryAttempts: number;
  /**
   * The dead-letter topic: the inspector's own dead letters must not come back to it. Undefined for `http`, whose
   * requests are never redelivered.
   */
  givesUpTo: 'dead-letters' | 'dead-letters-unread' | undefined;
  /** Imports the handler with the first event, so that no function pays for another's imports. */
  load(): Promise<Handler | HttpHandler>;
}

type WithDefault = 'subject' | 'apis' | 'refusals' | 'settings' | 'secrets' | 'secretFiles';
interface CommonOptions
  extends Omit<FunctionFields, WithDefault>,
    Partial<Pick<FunctionFields, WithDefault>> {}

interface EventOptions extends CommonOptions {
  trigger: EventTrigger;
  /** Default 10. */
  maxDeliveryAttempts?: number;
  givesUpTo?: 'dead-letters' | 'dead-letters-unread';
  load(): Promise<Handler>;
}

interface HttpOptions extends CommonOptions {
  trigger: Http;
  load(): Promise<HttpHandler>;
}

export type FunctionOptions = EventOptions | HttpOptions;

/** A subscription pushes as the function's own account; an Eventarc trigger also receives as it. */
function triggerRoles(trigger: Trigger): readonly Role[] {
  // its callers are no account of ours
  if (trigger.kind === 'http') return [];
  const calls = { role: 'roles/run.invoker', on: 'function' };
  if (!isFiredByEventarc(trigger)) {
    return [{ ...calls, reason: 'its subscription calls the function' }];
  }
  return [
    { role: 'roles/eventarc.eventReceiver', on: 'project', reason: 'its trigger receives the events' },
    { ...calls, reason: 'its trigger calls the function' },
  ];
}

function defaultSubject({ name, trigger }: FunctionOptions): FunctionFields['subject'] {
  switch (trigger.kind) {
    case 'objectFinalized':
      return async () => (await import('./object-subject.ts')).subjectOfObject;
    case 'messagePublished':
      return async () => (await import('./message-subject.ts')).subjectOfMessage;
    case 'schedule':
      return async () => (await import('./tick-subject.ts')).subjectOfTick(name);
    default:
      return undefined;
  }
}

/**
 * One function of an app. Its failed deliveries are always retried: without that, an event that fails once is lost.
 *
 * @example
 * export const processVideo = defineFunction({
 *   name: 'processVideo',
 *   trigger: objectFinalized({ bucket: 'raw' }),
 *   maxDeliveryAttempts: 10,
 *   instance: { memory: '1Gi', cpu: 1, concurrency: 1, maxInstances: 10, timeoutSeconds: 540 },
 *   roles: [{ role: 'roles/storage.objectViewer', on: 'raw', reason: 'reads the uploaded video' }],
 *   load: () => import('./handler.ts'),
 * });
 */
export function defineFunction(options: FunctionOptions): FunctionDefinition {
  const isCalled = options.trigger.kind === 'http';
  return {
    givesUpTo: isCalled ? undefined : 'dead-letters',
    maxDeliveryAttempts: 10,
    subject: defaultSubject(options),
    apis: {},
    refusals: {},
    settings: {},
    secrets: [],
    secretFiles: [],
    ...options,
    roles: [...options.roles, ...triggerRoles(options.trigger)],
  };
}

import {
  AUDIT_LOG_WRITTEN,
  MESSAGE_PUBLISHED,
  OBJECT_DELETED,
  OBJECT_FINALIZED,
} from '../events/event-types.ts';
import { FilterError, parseFilter } from '../events/message-filter.ts';

/**
 * What fires a function. Triggers are plain values: registration, the local cloud, deployment and the docs are
 * derived from them. They name buckets and topics by their keys in the app.
 */
export type Trigger = EventTrigger | Http;

/** Triggers whose events are redelivered until they are settled or become dead letters. */
export type EventTrigger = EventarcTrigger | MessagePublished | Schedule;

/** Topics get push subscriptions of their own; these triggers go through Eventarc. */
export type EventarcTrigger = EventSource | AnyOf;

/** What one trigger of Eventarc listens to. */
export type EventSource = ObjectFinalized | ObjectDeleted | AuditLog;

export interface ObjectFinalized {
  kind: 'objectFinalized';
  bucket: string;
}

/** Objects of a bucket that are deleted, or replaced by a new generation. */
export interface ObjectDeleted {
  kind: 'objectDeleted';
  bucket: string;
}

/** Several sources, each with a trigger of its own at Eventarc. */
export interface AnyOf {
  kind: 'anyOf';
  of: readonly EventSource[];
}

export interface MessagePublished {
  kind: 'messagePublished';
  topic: string;
  /**
   * Event types to deliver, matched exactly against the attribute `ce-type`; default: all messages. Pub/Sub drops
   * the others before delivery, including every message whose producer does not set the attribute. Events published
   * by this project have it, as have all CloudEvents in binary mode; a structured CloudEvent has it only if its
   * producer repeats it there.
   */
  types?: readonly string[];
  /** An additional condition in Pub/Sub's syntax: https://cloud.google.com/pubsub/docs/subscription-message-filter */
  filter?: string;
  /** Delivers messages with the same ordering key one at a time, in the order they were published. */
  ordering?: boolean;
}

export interface Schedule {
  kind: 'schedule';
  /** Unix cron, in UTC. */
  cron: string;
  /** Topic of the ticks: each is a message, so a missed delivery is retried and dead-lettered like any other. */
  topic: string;
  /** Suffix of the scheduler job's name. Default: the function's name in lower case. */
  job?: string;
}

export interface AuditLog {
  kind: 'auditLog';
  /** `serviceName` of the log entry, such as `storage.googleapis.com`. */
  service: string;
  /** `methodName` of the log entry, such as `storage.buckets.create`. */
  method: string;
}

export interface Http {
  kind: 'http';
  /** `all`, or a list of IAM members such as `serviceAccount:shop@my-project.iam.gserviceaccount.com`. */
  callers: 'all' | readonly string[];
  /**
   * `bytes`: `rawBody` is the body whatever its content type, nothing parses it, and the request is as Node's server
   * has it. Default: `body` is parsed by content type, and `rawBody` is there, too.
   */
  body?: 'bytes';
}

/** Fired by each new object in a bucket and each new generation of one. */
export function objectFinalized(on: Omit<ObjectFinalized, 'kind'>): ObjectFinalized {
  return { kind: 'objectFinalized', ...on };
}

/**
 * Fired by each object that is deleted for good: by a person, by the bucket's lifecycle, or because a new generation
 * replaces it. No bucket of an app keeps versions, so none is ever archived.
 */
export function objectDeleted(on: Omit<ObjectDeleted, 'kind'>): ObjectDeleted {
  return { kind: 'objectDeleted', ...on };
}

/**
 * Fired by each event of several sources.
 *
 * @example anyOf([objectDeleted({ bucket: 'raw' }), objectDeleted({ bucket: 'frames' })])
 */
export function anyOf(of: readonly EventSource[]): AnyOf {
  return { kind: 'anyOf', of };
}

/**
 * Fired by each message published to a topic, or by those that match. Filter and ordering are fixed when the
 * subscription is created: a deployment that changes them creates a new subscription.
 *
 * @example
 * messagePublished({ topic: 'events', types: ['user.created'], filter: 'attributes.tenant = "a"', ordering: true })
 */
export function messagePublished(on: Omit<MessagePublished, 'kind'>): MessagePublished {
  return { kind: 'messagePublished', ...on };
}

/** Fired on a schedule. */
export function schedule(on: Omit<Schedule, 'kind'>): Schedule {
  return { kind: 'schedule', ...on };
}

/**
 * Fired by each entry that Cloud Audit Logs writes for this method in the project. Data reads and writes are logged
 * only if Data Access audit logs are enabled for the service.
 *
 * @example auditLog({ service: 'storage.googleapis.com', method: 'storage.buckets.create' })
 */
export function auditLog(on: Omit<AuditLog, 'kind'>): AuditLog {
  return { kind: 'auditLog', ...on };
}

/**
 * Fired by HTTP requests. They are not retried and never become dead letters.
 *
 * @example http({ callers: ['serviceAccount:shop@my-project.iam.gserviceaccount.com'] })
 */
export function http(on: Omit<Http, 'kind'>): Http {
  return { kind: 'http', ...on };
}

/**
 * The filter of the trigger's subscription; undefined if it takes every message. Throws FilterError if Pub/Sub
 * would refuse it: invalid syntax, or more than 256 bytes (about five types).
 */
export function subscriptionFilter(trigger: Trigger): string | undefined {
  if (trigger.kind !== 'messagePublished') return undefined;
  const { types, filter } = trigger;
  if (types === undefined && filter === undefined) return undefined;
  if (types?.length === 0) throw new FilterError('types must have at least one type, got none');
  // each in parentheses, or `a) OR (b` would match more than both
  if (filter !== undefined) parseFilter(filter);
  const ofTypes = types?.map((type) => `attributes."ce-type" = ${quotedType(type)}`).join(' OR ');
  const both = [ofTypes, filter].filter((one) => one !== undefined);
  const whole = both.length === 1 ? both[0]! : both.map((one) => `(${one})`).join(' AND ');
  parseFilter(whole);
  return whole;
}

function quotedType(type: string): string {
  if (type !== '' && !/[\p{Cc}]/u.test(type)) return `"${type.replaceAll(/["\\]/g, '\\$&')}"`;
  throw new FilterError(
    `types must be text of at least one character without control characters, got ${JSON.stringify(type)}`,
  );
}

/** The topic whose messages fire the function; undefined for other triggers. */
export function triggerTopic(trigger: Trigger): string | undefined {
  return 'topic' in trigger ? trigger.topic : undefined;
}

export function isFiredByEventarc(trigger: Trigger): trigger is EventarcTrigger {
  return trigger.kind === 'anyOf' || isEventSource(trigger);
}

/** True if the function is deployed with its trigger; those of `anyOf` are separate resources. */
export function isEventSource(trigger: Trigger): trigger is EventSource {
  return ['objectFinalized', 'objectDeleted', 'auditLog'].includes(trigger.kind);
}

/** What Eventarc listens to for the trigger; none for other triggers. */
export function eventSources(trigger: Trigger): readonly EventSource[] {
  if (trigger.kind === 'anyOf') return trigger.of;
  return isEventSource(trigger) ? [trigger] : [];
}

/** The CloudEvents types of the trigger's events. */
export function eventTypesOf(trigger: EventTrigger): readonly string[] {
  if (!isFiredByEventarc(trigger)) return [MESSAGE_PUBLISHED];
  return [...new Set(eventSources(trigger).map(eventTypeOf))];
}

/** The CloudEvents type that Eventarc filters on: https://cloud.google.com/eventarc/docs/reference/supported-events */
export function eventTypeOf({ kind }: EventSource): string {
  switch (kind) {
    case 'objectFinalized':
      return OBJECT_FINALIZED;
    case 'objectDeleted':
      return OBJECT_DELETED;
    case 'auditLog':
      return AUDIT_LOG_WRITTEN;
  }
}

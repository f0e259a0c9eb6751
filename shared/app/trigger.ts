/**
 * What fires a function. Plain values: registration, the local cloud, deployment and the docs are derived from
 * them. Buckets and topics are named by their keys in the app.
 */
export type Trigger = EventTrigger | Http;

/** Delivered until it is settled or a dead letter. */
export type EventTrigger = ObjectFinalized | MessagePublished | Schedule | AuditLog;

export interface ObjectFinalized {
  kind: 'objectFinalized';
  bucket: string;
}

export interface MessagePublished {
  kind: 'messagePublished';
  topic: string;
}

export interface Schedule {
  kind: 'schedule';
  /** Unix cron, in UTC. */
  cron: string;
  /** Each tick is a message on it, so a missed delivery is retried and dead-lettered like any other. */
  topic: string;
  /** The end of the scheduler job's name. Default: the function's name in lower case. */
  job?: string;
}

export interface AuditLog {
  kind: 'auditLog';
  /** `serviceName` of the entry, such as `storage.googleapis.com`. */
  service: string;
  /** `methodName` of the entry, such as `storage.buckets.create`. */
  method: string;
}

export interface Http {
  kind: 'http';
  /** `all`, or IAM members such as `serviceAccount:shop@my-project.iam.gserviceaccount.com`; nobody else. */
  callers: 'all' | readonly string[];
}

/** Fired by each new object in a bucket, and each new generation of one. */
export function objectFinalized(on: Omit<ObjectFinalized, 'kind'>): ObjectFinalized {
  return { kind: 'objectFinalized', ...on };
}

/** Fired by each message published to a topic. */
export function messagePublished(on: Omit<MessagePublished, 'kind'>): MessagePublished {
  return { kind: 'messagePublished', ...on };
}

/** Fired by the clock. */
export function schedule(on: Omit<Schedule, 'kind'>): Schedule {
  return { kind: 'schedule', ...on };
}

/**
 * Fired by each entry that Cloud Audit Logs writes for this method in the project. Entries of reads and writes of
 * data exist only if Data Access audit logs are enabled for the service.
 *
 * @example auditLog({ service: 'storage.googleapis.com', method: 'storage.buckets.create' })
 */
export function auditLog(on: Omit<AuditLog, 'kind'>): AuditLog {
  return { kind: 'auditLog', ...on };
}

/**
 * Fired by HTTP requests. Nothing retries one for the caller, and none becomes a dead letter.
 *
 * @example http({ callers: ['serviceAccount:shop@my-project.iam.gserviceaccount.com'] })
 */
export function http(on: Omit<Http, 'kind'>): Http {
  return { kind: 'http', ...on };
}

/** The topic whose messages fire the function; undefined if something else does. */
export function triggerTopic(trigger: Trigger): string | undefined {
  return 'topic' in trigger ? trigger.topic : undefined;
}

/** The CloudEvents type that Eventarc filters on: https://cloud.google.com/eventarc/docs/reference/supported-events */
export function eventTypeOf(trigger: EventTrigger): string {
  switch (trigger.kind) {
    case 'objectFinalized':
      return 'google.cloud.storage.object.v1.finalized';
    case 'auditLog':
      return 'google.cloud.audit.log.v1.written';
    case 'messagePublished':
    case 'schedule':
      return 'google.cloud.pubsub.topic.v1.messagePublished';
  }
}

/**
 * What fires a function. Plain values: registration, the local cloud, deployment and the docs are derived from
 * them. Buckets and topics are named by their keys in the app.
 */
export type Trigger = ObjectFinalized | MessagePublished | Schedule;

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

/** The topic whose messages fire the function; undefined if a bucket does. */
export function triggerTopic(trigger: Trigger): string | undefined {
  return trigger.kind === 'objectFinalized' ? undefined : trigger.topic;
}

/** The CloudEvents type that Eventarc filters on: https://cloud.google.com/eventarc/docs/reference/supported-events */
export function eventTypeOf(trigger: Trigger): string {
  return trigger.kind === 'objectFinalized'
    ? 'google.cloud.storage.object.v1.finalized'
    : 'google.cloud.pubsub.topic.v1.messagePublished';
}

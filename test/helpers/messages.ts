/**
 * Factories of Pub/Sub messages that carry events, in every mode and in every form in which a message is
 * delivered. Shapes follow Google's documentation and the CloudEvents specification.
 */
export interface MessageFields {
  /** Text and bytes are sent unchanged, anything else as JSON. */
  data?: unknown;
  attributes?: unknown;
  messageId?: unknown;
  publishTime?: unknown;
  orderingKey?: unknown;
  [field: string]: unknown;
}

let serial = 0;

/** https://cloud.google.com/pubsub/docs/reference/rest/v1/PubsubMessage, as a push carries it. */
export function pubsubMessage(fields: MessageFields = {}): Record<string, unknown> {
  const { data, ...rest } = fields;
  const messageId = fields.messageId ?? String(++serial);
  const publishTime = fields.publishTime ?? new Date().toISOString();
  return {
    ...('data' in fields && { data: base64(data) }),
    messageId,
    message_id: messageId,
    publishTime,
    publish_time: publishTime,
    ...rest,
  };
}

function base64(data: unknown): string {
  if (data instanceof Uint8Array) return Buffer.from(data).toString('base64');
  return Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('base64');
}

/** A push as a function receives it, from its trigger's own subscription or from Eventarc's. */
export function messageEvent(
  message: unknown,
  attributes: Record<string, unknown> = {},
): Record<string, unknown> {
  const id = (message as { messageId?: unknown } | null)?.messageId ?? '1';
  return {
    specversion: '1.0',
    id,
    source: '//pubsub.googleapis.com/projects/demo/topics/events',
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
    time: '2026-11-21T00:00:00.100Z',
    datacontenttype: 'application/json',
    data: { subscription: 'projects/demo/subscriptions/events', message },
    ...attributes,
  };
}

const REPLAYS = 'projects/demo/subscriptions/pipeline-replay-ingestevent';

/** A replay, which arrives through its own subscription. */
export function replayEvent(message: unknown): Record<string, unknown> {
  return messageEvent(message, { data: { message, subscription: REPLAYS } });
}

/** The same as the body of the push. */
export function replayPush(message: unknown): Record<string, unknown> {
  return { message, subscription: REPLAYS };
}

/** A delivery that does not name its subscription. */
export function namelessEvent(message: unknown): Record<string, unknown> {
  return messageEvent(message, { data: { message } });
}

/** The body of a push, to a path that names no topic. */
export function pushBody(message: unknown): Record<string, unknown> {
  return { message, subscription: 'projects/demo/subscriptions/events' };
}

export interface EventFields {
  [attribute: string]: unknown;
}

/** A CloudEvent as JSON; a field set to undefined is omitted. */
export function cloudEvent(fields: EventFields = {}): Record<string, unknown> {
  return {
    specversion: '1.0',
    id: 'e-1',
    source: '//shop/orders',
    type: 'order.created',
    time: '2026-11-21T10:00:00Z',
    datacontenttype: 'application/json',
    data: { order: 'A-17', total: 19.99 },
    ...fields,
  };
}

/** Structured mode: the whole event is the data. */
export function structured(fields: EventFields = {}, message: MessageFields = {}): Record<string, unknown> {
  return pubsubMessage({
    data: cloudEvent(fields),
    attributes: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
    ...message,
  });
}

/** Binary mode: the event's attributes are message attributes with a prefix; its data is the message's. */
export function binary(fields: EventFields = {}, message: MessageFields = {}): Record<string, unknown> {
  const { data, datacontenttype, ...attributes } = cloudEvent(fields);
  const prefixed: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) prefixed[`ce-${name}`] = String(value);
  }
  return pubsubMessage({
    ...(data !== undefined && { data }),
    attributes: { ...(datacontenttype !== undefined && { 'content-type': datacontenttype }), ...prefixed },
    ...message,
  });
}

export function batch(events: readonly unknown[], message: MessageFields = {}): Record<string, unknown> {
  return pubsubMessage({
    data: events,
    attributes: { 'content-type': 'application/cloudevents-batch+json' },
    ...message,
  });
}

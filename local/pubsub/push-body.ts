import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { parseMessage } from './message.ts';

/**
 * `wrapped`: the message in an envelope, as a push endpoint receives it. `event`: the CloudEvent inside the
 * message, in HTTP's binary mode, as Eventarc's own subscriptions deliver it.
 */
export type PushForm = 'wrapped' | 'event';

export interface PushMessage {
  id: number;
  publishMs: number;
  /** The message in the API's JSON. */
  json: Buffer;
  subscription: string;
  /** Undefined if the subscription has no dead-letter policy: then a push omits it. */
  attempt: number | undefined;
}

export interface PushRequest {
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** A CloudEvent in Pub/Sub's binary mode: https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md */
export interface EventMessage {
  /** `ce-*` and `content-type`. */
  attributes: Readonly<Record<string, string>>;
  data: Buffer;
}

export function pushRequest(form: PushForm, message: PushMessage): PushRequest {
  const { headers, body } = form === 'wrapped' ? wrapped(message) : eventRequest(carried(message.json));
  return {
    headers: { ...headers, 'content-length': body.length, 'user-agent': 'CloudPubSub-Google' },
    body,
  };
}

export function eventRequest({ attributes, data }: EventMessage): {
  headers: Record<string, string>;
  body: Buffer;
} {
  const named = Object.entries(attributes).filter(
    ([name]) => name.startsWith('ce-') || name === 'content-type',
  );
  const encoded = named.map(([name, value]) => [name, name === 'content-type' ? value : encodeHeader(value)]);
  return { headers: Object.fromEntries(encoded), body: data };
}

/** Cloud Run's front end adds one to each request. */
export function newTraceparent(): string {
  const hex = randomBytes(24).toString('hex');
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}

/** Has both spellings of id and time, as the service sends them. */
function wrapped({ id, publishMs, json, subscription, attempt }: PushMessage): PushRequest {
  const delivery = attempt === undefined ? '' : `"deliveryAttempt":${attempt},`;
  const time = new Date(publishMs).toISOString();
  const head = `{${delivery}"subscription":${JSON.stringify(subscription)},"message":{"message_id":"${id}","publish_time":"${time}",`;
  return {
    headers: { 'content-type': 'application/json' },
    body: Buffer.concat([Buffer.from(head), json.subarray(1), CLOSE]),
  };
}

const CLOSE = Buffer.from('}');

function carried(json: Buffer): EventMessage {
  const { data, attributes } = parseMessage(json);
  return { attributes, data: Buffer.from(data, 'base64') };
}

/** https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md, 3.1.3.2 */
function encodeHeader(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, (character) =>
    Buffer.from(character).reduce(
      (encoded, byte) => `${encoded}%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      '',
    ),
  );
}

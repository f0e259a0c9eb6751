import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';

/** `wrapped`: as a push endpoint gets it. `cloudevent`: as Eventarc passes it to a function, in binary mode. */
export type PushForm = 'wrapped' | 'cloudevent';

export interface PushMessage {
  id: number;
  publishMs: number;
  /** The message in the API's JSON. */
  json: Buffer;
  topic: string;
  subscription: string;
  /** Told where the subscription has a dead-letter policy. */
  attempt: number | undefined;
}

export interface PushRequest {
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

export function pushRequest(form: PushForm, message: PushMessage): PushRequest {
  const body = pushBody(message);
  const headers: OutgoingHttpHeaders = {
    'content-type': 'application/json',
    'content-length': body.length,
    'user-agent': 'CloudPubSub-Google',
  };
  if (form === 'cloudevent') Object.assign(headers, eventHeaders(message));
  return { headers, body };
}

/** Both spellings of id and time, as the service sends them. */
function pushBody({ id, publishMs, json, subscription, attempt }: PushMessage): Buffer {
  const told = attempt === undefined ? '' : `"deliveryAttempt":${attempt},`;
  const time = new Date(publishMs).toISOString();
  return Buffer.concat([
    Buffer.from(
      `{${told}"subscription":${JSON.stringify(subscription)},"message":{"message_id":"${id}","publish_time":"${time}",`,
    ),
    json.subarray(1),
    CLOSE,
  ]);
}

const CLOSE = Buffer.from('}');

function eventHeaders({ id, publishMs, topic }: PushMessage): OutgoingHttpHeaders {
  return {
    'ce-specversion': '1.0',
    'ce-id': String(id),
    'ce-source': `//pubsub.googleapis.com/${topic}`,
    'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished',
    'ce-time': new Date(publishMs).toISOString(),
    traceparent: newTraceparent(),
  };
}

function newTraceparent(): string {
  const hex = randomBytes(24).toString('hex');
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}

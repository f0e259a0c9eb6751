import type { IncomingMessage, RequestListener } from 'node:http';
import { isJsonObject } from '../core/json-value.ts';
import { MESSAGE_PUBLISHED } from '../events/event-types.ts';

/** The endpoint's path names the topic, as functions-framework requires: a push does not name it. */
const TOPIC_PATH = /^\/(projects\/[^/?]+\/topics\/[^/?]+)(?:\?|$)/;
/** Must not be empty in a CloudEvent; the message with the real id is in the body. */
const ID_TO_COME = 'push';

/** What curl and other clients send with a body unless told otherwise: no event is a form. */
const FORM = /^application\/x-www-form-urlencoded\b/i;

/**
 * Takes JSON for what it is, whatever the client called it, and turns each push to a path such as `/projects/P/topics/T` into a CloudEvent in binary mode, with the headers that
 * Eventarc sets. By itself, functions-framework rebuilds a push, dropping its subscription, delivery attempt and
 * ordering key, and rejects one without data. Only callers that may invoke the function choose the path.
 */
export function pushesAsEvents(listener: RequestListener): RequestListener {
  return (request, response) => {
    setEventHeaders(request);
    listener(request, response);
  };
}

function setEventHeaders({ url = '', headers }: IncomingMessage): void {
  if (FORM.test(headers['content-type'] ?? '')) headers['content-type'] = 'application/json';
  const topic = TOPIC_PATH.exec(url)?.[1];
  if (topic === undefined || headers['ce-id'] !== undefined) return;
  Object.assign(headers, {
    'ce-specversion': '1.0',
    'ce-id': ID_TO_COME,
    'ce-source': `//pubsub.googleapis.com/${topic}`,
    'ce-type': MESSAGE_PUBLISHED,
  });
}

/** Sets the message's own id and time once the body is read; returns any other input unchanged. */
export function completeEvent(input: unknown): unknown {
  if (!isJsonObject(input) || input['id'] !== ID_TO_COME || input['type'] !== MESSAGE_PUBLISHED) return input;
  const message = isJsonObject(input['data']) ? input['data']['message'] : undefined;
  if (!isJsonObject(message)) return input;
  const { messageId, publishTime } = message;
  return {
    ...input,
    ...(typeof messageId === 'string' && messageId !== '' && { id: messageId }),
    ...(publishTime !== undefined && { time: publishTime }),
  };
}

import type { IncomingMessage, RequestListener } from 'node:http';
import { isJsonObject } from '../core/json-value.ts';
import { MESSAGE_PUBLISHED } from '../events/event-types.ts';

/** An endpoint's path names the topic, as the functions-framework asks for: a push does not. */
const TOPIC_PATH = /^\/(projects\/[^/?]+\/topics\/[^/?]+)(?:\?|$)/;
/** Not empty, or it would be no CloudEvent; the message that has the id is in the body. */
const ID_TO_COME = 'push';

/**
 * Makes each push to a path such as `/projects/P/topics/T` a CloudEvent in binary mode, with the headers that
 * Eventarc sets. Left to itself, the functions-framework rebuilds a push and drops its subscription, delivery
 * attempt and ordering key, and does not know one without data. Only who may invoke the function chooses a path.
 */
export function pushesAsEvents(listener: RequestListener): RequestListener {
  return (request, response) => {
    setEventHeaders(request);
    listener(request, response);
  };
}

function setEventHeaders({ url = '', headers }: IncomingMessage): void {
  const topic = TOPIC_PATH.exec(url)?.[1];
  if (topic === undefined || headers['ce-id'] !== undefined) return;
  Object.assign(headers, {
    'ce-specversion': '1.0',
    'ce-id': ID_TO_COME,
    'ce-source': `//pubsub.googleapis.com/${topic}`,
    'ce-type': MESSAGE_PUBLISHED,
  });
}

/** The event with the message's own id and time, once the body is read; any other input as it is. */
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

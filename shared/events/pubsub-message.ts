import { AppError } from '../core/errors.ts';
import { isJsonObject, type Json, quoted } from '../core/json-value.ts';
import { type CloudEvent, decodeJson, invalid } from './cloud-event.ts';
import { MESSAGE_PUBLISHED } from './event-types.ts';
import { DIED_OF } from './letter-attributes.ts';
import { linkSources, linksOf } from './links.ts';

/** A message as Pub/Sub delivered it (https://cloud.google.com/pubsub/docs/reference/rest/v1/PubsubMessage). */
export interface PubsubMessage {
  data: Buffer;
  attributes: Readonly<Record<string, string>>;
  /** Undefined if a hand-made push has none. */
  messageId: string | undefined;
  /** RFC 3339. */
  publishTime: string | undefined;
  orderingKey: string | undefined;
  /** `//pubsub.googleapis.com/projects/…/topics/…`, if the envelope names the topic. */
  topic: string | undefined;
}

/**
 * The Pub/Sub message inside a function's input: the CloudEvent of a push, or its bare body. Throws `invalid-event`
 * naming what was found and what is allowed.
 */
export function parsePubsubMessage(input: unknown): PubsubMessage {
  const { message, topic } = envelopeOf(input);
  const messageId = message['messageId'] ?? message['message_id'];
  const publishTime = message['publishTime'] ?? message['publish_time'];
  const orderingKey = message['orderingKey'] ?? message['ordering_key'];
  const attributes = parseAttributes(message['attributes']);
  return {
    data: decodeData(message['data']),
    attributes,
    messageId: optionalText(messageId),
    publishTime: optionalText(publishTime),
    // a replay is published without one; the original's is in an attribute
    orderingKey: optionalText(orderingKey) ?? optionalText(attributes[DIED_OF.orderingKey]),
    topic,
  };
}

/** Like `parsePubsubMessage`; undefined if the input is no message. */
export function asPubsubMessage(input: unknown): PubsubMessage | undefined {
  try {
    return parsePubsubMessage(input);
  } catch {
    return undefined;
  }
}

/**
 * The event "a message was published", for functions that need no more: of the message's content only its links are
 * read. `eventId`: 64 hex digits.
 */
export function messageEvent(
  {
    messageId,
    topic,
    publishTime,
    attributes,
  }: Pick<PubsubMessage, 'messageId' | 'topic' | 'publishTime' | 'attributes'>,
  eventId: string,
): CloudEvent {
  return {
    eventId,
    id: messageId ?? eventId,
    source: topic ?? '//pubsub.googleapis.com',
    type: MESSAGE_PUBLISHED,
    subject: undefined,
    time: publishTime,
    dataschema: undefined,
    ...linksOf(eventId, linkSources({}, attributes)),
    extensions: {},
    data: undefined,
  };
}

function envelopeOf(input: unknown): { message: Json; topic: string | undefined } {
  if (!isJsonObject(input)) {
    throw invalid('event', 'a JSON object', input);
  }
  if (input['specversion'] === undefined && input['message'] !== undefined) {
    return { message: messageOf(input, 'message'), topic: undefined };
  }
  if (input['type'] !== MESSAGE_PUBLISHED) {
    throw new AppError('invalid-event', `type must be ${MESSAGE_PUBLISHED}, got ${quoted(input['type'])}`);
  }
  const { source } = input;
  const isTopic = typeof source === 'string' && /\/projects\/[^/]+\/topics\/[^/]+$/.test(source);
  return {
    message: messageOf(decodeJson(input['data'], 'data'), 'data.message'),
    topic: isTopic ? source : undefined,
  };
}

function messageOf(envelope: Json, name: string): Json {
  const { message } = envelope;
  if (isJsonObject(message)) return message;
  throw invalid(name, 'a Pub/Sub message', message);
}

function decodeData(data: unknown): Buffer {
  // a message that has only attributes comes without data
  if (data === undefined || data === null) return Buffer.alloc(0);
  if (typeof data === 'string') {
    const bytes = Buffer.from(data, 'base64');
    // Node ignores characters that are not base64; a wrong length reveals them
    const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
    if (data.length % 4 === 0 && bytes.length === (data.length / 4) * 3 - padding) return bytes;
  }
  throw invalid('message.data', 'base64', data);
}

function parseAttributes(attributes: unknown): Readonly<Record<string, string>> {
  if (attributes === undefined || attributes === null) return {};
  if (!isJsonObject(attributes)) {
    throw invalid('message.attributes', 'a JSON object', attributes);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string') continue;
    throw invalid(`attribute ${quoted(name)}`, 'a string', value);
  }
  return attributes as Readonly<Record<string, string>>;
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

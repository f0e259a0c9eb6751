import { contentIdOf } from './content-id.ts';
import { parseIncomingMessage } from './incoming-message.ts';
import type { PubsubMessage } from './pubsub-message.ts';
import { isBatch, type ReadOptions, STRUCTURED } from './read-events.ts';

/** In bytes, names and values. */
const MAX_COPIED_ATTRIBUTES = 4_096;

/** One event of a batch as an input of its own, so that it can be refused and replayed separately. */
export interface MessagePart {
  /** A push body as Pub/Sub would have sent it. */
  input: Record<string, unknown>;
  /** 64 hex digits: the id that it will have when it is delivered alone. */
  eventId: string;
}

/** A push body as Pub/Sub would have sent it, with a message as it was read. */
export function messageInput({
  data,
  attributes,
  messageId,
  publishTime,
  orderingKey,
}: PubsubMessage): Record<string, unknown> {
  return { message: { data: data.toString('base64'), attributes, messageId, publishTime, orderingKey } };
}

/** `text` is the event's JSON. */
export function messagePart(message: PubsubMessage, text: string, options: ReadOptions): MessagePart {
  const attributes = Object.fromEntries(attributesOfOne(message.attributes));
  const input = messageInput({
    ...message,
    data: Buffer.from(text),
    // an array that declared nothing holds events of any form
    attributes: isBatch(message) ? { ...attributes, 'content-type': STRUCTURED } : attributes,
  });
  return { input, eventId: identityOf(input, options) };
}

/**
 * Attributes copied to each refused event of a batch, up to 4 KiB in all: a batch of ten thousand bad events may
 * have 100 KB of attributes, which would become a gigabyte of dead letters.
 */
function attributesOfOne(attributes: Readonly<Record<string, string>>): [string, string][] {
  const others = Object.entries(attributes).filter(([name]) => name.toLowerCase() !== 'content-type');
  let bytes = 0;
  return others.filter(([name, value]) => {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    return bytes <= MAX_COPIED_ATTRIBUTES;
  });
}

/** The id that an event, good or bad, has when it is delivered alone. 64 hex digits. */
export function identityOf(input: unknown, options: ReadOptions): string {
  try {
    return parseIncomingMessage(input, options).eventId ?? contentIdOf(input);
  } catch {
    return contentIdOf(input);
  }
}

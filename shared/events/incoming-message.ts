import { sha256 } from '../core/sha256.ts';
import type { ParsedEvent } from './cloud-event.ts';
import { messageEvent, type PubsubMessage, parsePubsubMessage } from './pubsub-message.ts';
import { type ReadEvents, type ReadOptions, readEvents } from './read-events.ts';

/** `event` is the message's only event; for a batch, the publication of the message. */
export interface IncomingMessage extends ParsedEvent {
  message: PubsubMessage;
  read: ReadEvents;
}

/**
 * The only place where messages are parsed: later code sees events and refusals. Throws what is wrong with the
 * whole message.
 */
export function parseIncomingMessage(input: unknown, options: ReadOptions): IncomingMessage {
  return eventsOf(parsePubsubMessage(input), options);
}

/** The same for a parsed message. */
export function eventsOf(message: PubsubMessage, options: ReadOptions): IncomingMessage {
  const read = readEvents(message, options);
  const [first] = read.outcomes;
  if (read.mode !== 'batch' && first?.kind === 'event') {
    const { event } = first;
    return { message, read, event: { ...event, extensions: {} }, eventId: event.eventId };
  }
  const eventId = sha256(message.data);
  return { message, read, event: messageEvent(message, eventId), eventId };
}

/** For callers that only identify the event: it may be larger than the function accepts. */
export const LENIENT: ReadOptions = {
  maxBytes: Number.MAX_SAFE_INTEGER,
  maxDepth: 1_000,
  maxBatch: 100_000,
  defaultType: 'json',
  defaultSource: '//pubsub.googleapis.com',
};

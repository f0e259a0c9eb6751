import { type AppError, isRefusal } from '../core/errors.ts';
import type { Json } from '../core/json-value.ts';
import { sha256 } from '../core/sha256.ts';
import { type CloudEvent, type EventOf, extensionsOf, type ParsedEvent } from './cloud-event.ts';
import { LENIENT } from './incoming-message.ts';
import { messageEvent, type PubsubMessage, parsePubsubMessage } from './pubsub-message.ts';
import { type ReadEvents, type ReadOptions, type ReadOutcome, readEvents } from './read-events.ts';
import { type ValidateOptions, validateData } from './validate.ts';

export interface MessageOptions extends Partial<ValidateOptions> {
  /** Default: `MESSAGE_LIMITS`. */
  limits?: ReadOptions;
}

/** A message with its events read; `event` is its only one; for a batch, the publication of the message. */
export interface TypedMessage<T extends string> extends ParsedEvent {
  eventId: string;
  message: PubsubMessage;
  mode: ReadEvents['mode'];
  /** Events of the wanted types, their data as their schemas define it. */
  events: readonly EventOf<T>[];
  /** The original JSON of each of them. */
  texts: readonly string[];
  /** Number of events of other types. */
  unwanted: number;
  /** Invalid events of a batch, with their original JSON. */
  refused: readonly { error: AppError; text: string }[];
}

/** Limits of a Pub/Sub message: 10 MB. */
export const MESSAGE_LIMITS: ReadOptions = {
  ...LENIENT,
  maxBytes: 10_000_000,
  maxDepth: 64,
  maxBatch: 10_000,
};

/**
 * The events of a Pub/Sub message in any supported form, validated against their schemas. Events of the wanted
 * types are typed by their schemas; without `types` all are wanted, and their data is unknown. Throws a refusal if
 * the message as a whole, or its only event, is invalid.
 *
 * @example
 * const { events } = readMessage(input, { types: ['video.framed'], validators });
 * for (const { data } of events) await notify(data.moments);
 */
export function readMessage<T extends string>(
  input: unknown,
  options: MessageOptions & { types: readonly T[] },
): TypedMessage<T>;
export function readMessage(input: unknown, options?: MessageOptions): TypedMessage<string>;
export function readMessage<T extends string>(
  input: unknown,
  options: MessageOptions & { types?: readonly T[] } = {},
): TypedMessage<T> {
  const { validators = {}, unknownTypes = 'accept', types, limits = MESSAGE_LIMITS } = options;
  const message = parsePubsubMessage(input);
  const { mode, outcomes } = readEvents(message, limits);
  const wanted = types && new Set<string>(types);
  const events: CloudEvent[] = [];
  const texts: string[] = [];
  const refused: { error: AppError; text: string }[] = [];
  let [only, unwanted]: [CloudEvent | undefined, number] = [undefined, 0];
  for (const outcome of outcomes) {
    try {
      if (outcome.kind === 'refused') throw outcome.error;
      const event = parsedEvent(outcome, mode, message);
      if (mode !== 'batch') only = event;
      if (wanted && !wanted.has(event.type)) {
        unwanted++;
        continue;
      }
      validateData(event, event.data, { validators, unknownTypes });
      events.push(event);
      texts.push(outcome.text);
    } catch (error) {
      if (mode !== 'batch' || !isRefusal(error)) throw error;
      refused.push({ error, text: outcome.text });
    }
  }
  const event = only ?? messageEvent(message, sha256(message.data));
  // validated above: a wanted type's data matches its schema
  const typed = events as EventOf<T>[];
  return { event, eventId: event.eventId, message, mode, events: typed, texts, unwanted, refused };
}

/** Parses the event data that ingest keeps as text. */
function parsedEvent(
  {
    event: { body: _, formerIds: __, ...event },
    text,
    isCloudEvent,
  }: Extract<ReadOutcome, { kind: 'event' }>,
  mode: ReadEvents['mode'],
  { attributes }: PubsubMessage,
): CloudEvent {
  if (!isCloudEvent) return { ...event, extensions: {}, data: parse(event.data) };
  if (mode === 'binary') {
    return { ...event, extensions: extensionsOf(prefixed(attributes)), data: parse(event.data) };
  }
  const envelope = JSON.parse(text) as Json;
  const data = Object.hasOwn(envelope, 'data_base64') ? parse(event.data) : envelope['data'];
  return { ...event, extensions: extensionsOf(envelope), data };
}

function parse(json: string | undefined): unknown {
  return json === undefined ? undefined : JSON.parse(json);
}

/** Attributes of a CloudEvent in binary mode. */
function prefixed(attributes: PubsubMessage['attributes']): Json {
  const entries = Object.entries(attributes).filter(([name]) => name.startsWith('ce-'));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice('ce-'.length), value]));
}

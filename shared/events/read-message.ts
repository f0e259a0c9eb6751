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

/** A message whose events are read; `event` is its only one, or for a batch the event that it was published. */
export interface TypedMessage<T extends string> extends ParsedEvent {
  eventId: string;
  message: PubsubMessage;
  mode: ReadEvents['mode'];
  /** Those of the wanted types, their data as its schema says. */
  events: readonly EventOf<T>[];
  /** The JSON that each of them came as. */
  texts: readonly string[];
  /** How many have other types. */
  unwanted: number;
  /** Those of a batch that are no good, with the JSON they came as. */
  refused: readonly { error: AppError; text: string }[];
}

/** What a message of Pub/Sub may hold at most: 10 MB. */
export const MESSAGE_LIMITS: ReadOptions = {
  ...LENIENT,
  maxBytes: 10_000_000,
  maxDepth: 64,
  maxBatch: 10_000,
};

/**
 * The events of a Pub/Sub message, whatever form they came in, held to their schemas. Those of the types that are
 * wanted are typed by the schemas; without `types` all are wanted, and their data is unknown. Throws a refusal for a
 * message that is no good as a whole, or whose only event is not.
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
  // a type that is asked for has the data of its schema, since that was checked
  const typed = events as EventOf<T>[];
  return { event, eventId: event.eventId, message, mode, events: typed, texts, unwanted, refused };
}

/** Parses what ingest keeps as text. */
function parsedEvent(
  { event, text }: Extract<ReadOutcome, { kind: 'event' }>,
  mode: ReadEvents['mode'],
  { attributes }: PubsubMessage,
): CloudEvent {
  if (mode === 'plain' || mode === 'binary') {
    const extensions = mode === 'plain' ? {} : extensionsOf(prefixed(attributes));
    return { ...event, extensions, data: parse(event.data) };
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

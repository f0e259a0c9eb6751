import { AppError, isRefusal } from '../core/errors.ts';
import { type JsonText, readJsonElements } from '../core/json-text.ts';
import { quoted } from '../core/json-value.ts';
import { canonicalHash } from './canonical-json.ts';
import type { JsonEvent } from './cloud-event.ts';
import { eventsInArray, mayHoldSeveral } from './event-array.ts';
import { checked, decodeText, MEMBERS, readEventText } from './event-text.ts';
import { type Defaults, formedEvent } from './formed-event.ts';
import { JsonBody, scalarOf } from './json-body.ts';
import { type AttributeReader, cloudEventOf } from './json-event.ts';
import type { LinkSources } from './links.ts';
import type { PubsubMessage } from './pubsub-message.ts';
import { readForm } from './read-form.ts';
import { structuredEvent } from './structured-event.ts';

export interface ReadOptions extends Defaults {
  /** Maximum bytes of one event. */
  maxBytes: number;
  /** Maximum nesting of arrays and objects in one event. */
  maxDepth: number;
  /** Maximum events in one batch. */
  maxBatch: number;
}

/** An event, or the reason why it is invalid; `text` is its original JSON. */
export type ReadOutcome =
  | { kind: 'event'; event: JsonEvent; text: string; isCloudEvent: boolean }
  | { kind: 'refused'; error: AppError; text: string };

type Attributes = PubsubMessage['attributes'];

export interface ReadEvents {
  mode: 'structured' | 'binary' | 'batch' | 'plain';
  outcomes: ReadOutcome[];
}

export const STRUCTURED = 'application/cloudevents+json';
const REQUIRED = ['specversion', 'id', 'source', 'type'];
const BATCH = 'application/cloudevents-batch+json';

/**
 * The events of a message. Its `content-type` attribute decides, as in the CloudEvents binding for Pub/Sub: a
 * structured CloudEvent, a batch of them, or, if there are `ce-*` attributes, one in binary mode. Without it, a
 * JSON object with all required CloudEvents attributes is a structured event; any other JSON is an event in one of
 * the `EVENT_FORMS`, or an array of them. Throws `invalid-event`, `not-json`, `too-large` or `too-deep` if the message
 * as a whole is invalid; the events of a batch are judged one by one.
 */
export function readEvents(message: PubsubMessage, options: ReadOptions): ReadEvents {
  const contentType = contentTypeOf(message);
  const given: AttributeReader = (name) => message.attributes[`ce-${name}`];
  const { attributes } = message;
  if (isBatch(message)) {
    return { mode: 'batch', outcomes: readBatch(decodeText(message.data), attributes, options) };
  }
  checkSize(message.data.length, options);
  const text = decodeText(message.data);
  const isBinary = given('id') !== undefined || given('specversion') !== undefined;
  if (isBinary && contentType !== STRUCTURED && !(contentType === undefined || isJsonType(contentType))) {
    throw new AppError('invalid-event', `content-type must be JSON, got ${quoted(contentType)}`);
  }
  const beside: LinkSources = { event: given, metadata: nothing, attributes };
  if (isBinary && text === '') return one('binary', cloudEventOf(given, beside, undefined), text);

  if (text === '') throw new AppError('not-json', 'data must be JSON, got 0 bytes');
  if (!isBinary && contentType !== STRUCTURED) {
    const several = readArray(text, message, options);
    if (several) return { mode: 'batch', outcomes: several };
  }
  const root = readEventText(text, options.maxDepth);
  // a producer may repeat the envelope in attributes, for subscriptions to filter on
  const isStructured = looksStructured(root) && (!isBinary || isRepeated(text, root, given));
  if (contentType === STRUCTURED || isStructured) {
    return one('structured', structuredEvent(text, root, attributes, options), text);
  }
  if (isBinary) return one('binary', cloudEventOf(given, beside, text), text);
  return one('plain', formedEvent(text, root, message, options), text);
}

/** True if the message declares a batch of events. */
export function isBatch(message: PubsubMessage): boolean {
  return contentTypeOf(message) === BATCH;
}

/** True if the message may hold more than one event. Cheap. */
export function mayBeBatch(message: PubsubMessage): boolean {
  return isBatch(message) || mayHoldSeveral(message.data);
}

function one(mode: ReadEvents['mode'], event: JsonEvent, text: string): ReadEvents {
  return { mode, outcomes: [{ kind: 'event', event, text, isCloudEvent: mode !== 'plain' }] };
}

function readBatch(text: string, attributes: Attributes, options: ReadOptions): ReadOutcome[] {
  const { maxBatch, maxBytes } = options;
  const outcomes: ReadOutcome[] = [];
  // the batch adds a level of nesting
  const limits = { maxDepth: options.maxDepth + 1, maxElement: maxBytes };
  const kind = checked(() =>
    readJsonElements(text, limits, MEMBERS, (item) => {
      if (outcomes.length === maxBatch) {
        const seen = `${maxBatch + 1} in its first ${item.end} characters`;
        throw new AppError('too-large', `batch must have at most ${maxBatch} events, got ${seen}`);
      }
      outcomes.push(elementOf(text, item, attributes, options));
    }),
  );
  if (kind === 'array') return outcomes;
  throw new AppError('invalid-event', `batch must be a JSON array, got JSON of kind ${kind}`);
}

function elementOf(text: string, item: JsonText, attributes: Attributes, options: ReadOptions): ReadOutcome {
  const own = text.slice(item.start, item.end);
  return outcomeOf(own, () => {
    // a UTF-16 code unit takes up to 3 bytes
    if (own.length * 3 > options.maxBytes) checkSize(Buffer.byteLength(own), options);
    return { event: structuredEvent(text, item, attributes, options), isCloudEvent: true };
  });
}

/**
 * The events of an array that declares nothing, as Azure Event Grid and Amazon S3 send them: each is read as if it
 * had come alone. Undefined if the first element has no id and source of its own: such an array is one event.
 */
function readArray(text: string, message: PubsubMessage, options: ReadOptions): ReadOutcome[] | undefined {
  const elements = eventsInArray(text, options, (element) => {
    const root = readEventText(element, options.maxDepth);
    return looksStructured(root) || readForm(new JsonBody(element, root), {}).fields.id !== undefined;
  });
  if (elements === undefined) return undefined;
  // earlier versions stored the array as one event, identified by its content
  const former = canonicalHash(text, readEventText(text, options.maxDepth + 2));
  return elements.map((element) =>
    outcomeOf(element, () => {
      const root = readEventText(element, options.maxDepth);
      const isCloudEvent = looksStructured(root);
      const event = isCloudEvent
        ? structuredEvent(element, root, message.attributes, options)
        : // attributes that hold an id, as a webhook's do, cannot be those of every element
          formedEvent(element, root, { ...message, forms: {} }, options);
      const formerIds = [...(event.formerIds ?? []), former];
      return { event: { ...event, formerIds }, isCloudEvent };
    }),
  );
}

function outcomeOf(text: string, read: () => { event: JsonEvent; isCloudEvent: boolean }): ReadOutcome {
  try {
    return { kind: 'event', text, ...read() };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { kind: 'refused', error, text };
  }
}

const nothing = (): undefined => undefined;

function looksStructured({ kind, members }: JsonText): boolean {
  return kind === 'object' && REQUIRED.every((name) => members.has(name));
}

function isRepeated(text: string, { members }: JsonText, given: AttributeReader): boolean {
  return ['id', 'source'].every((name) => scalarOf(text, members.get(name)) === given(name));
}

function contentTypeOf({ attributes }: PubsubMessage): string | undefined {
  const name = Object.keys(attributes).find((key) => key.toLowerCase() === 'content-type');
  const value = name === undefined ? undefined : attributes[name];
  return value?.split(';')[0]?.trim().toLowerCase() || undefined;
}

function isJsonType(contentType: string): boolean {
  return /[/+]json$/.test(contentType);
}

function checkSize(bytes: number, { maxBytes }: ReadOptions): void {
  if (bytes > maxBytes) {
    throw new AppError('too-large', `event must have at most ${maxBytes} bytes, got ${bytes}`);
  }
}

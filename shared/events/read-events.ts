import { isUtf8 } from 'node:buffer';
import { AppError, isRefusal } from '../core/errors.ts';
import { JsonTextError } from '../core/json-scanner.ts';
import {
  type JsonDocument,
  type JsonSpan,
  type JsonText,
  readJsonElements,
  readJsonText,
} from '../core/json-text.ts';
import { quoted } from '../core/json-value.ts';
import { canonicalHash } from './canonical-json.ts';
import { invalid } from './cloud-event.ts';
import { type AttributeReader, cloudEventOf, type IncomingEvent, plainEventOf } from './incoming-event.ts';
import type { PubsubMessage } from './pubsub-message.ts';

export interface ReadOptions {
  /** Bytes of one event. */
  maxBytes: number;
  /** Levels of arrays and objects in one event. */
  maxDepth: number;
  /** Events in one batch. */
  maxBatch: number;
  /** Of plain JSON whose attributes do not say. */
  defaultType: string;
  defaultSource: string;
}

/** An event, or why it is none; `text` is the JSON it came as. */
export type ReadOutcome =
  | { kind: 'event'; event: IncomingEvent; text: string }
  | { kind: 'refused'; error: AppError; text: string };

export interface ReadEvents {
  mode: 'structured' | 'binary' | 'batch' | 'plain';
  outcomes: ReadOutcome[];
}

export const STRUCTURED = 'application/cloudevents+json';
const REQUIRED = ['specversion', 'id', 'source', 'type'];
/** Members of a structured CloudEvent that are looked at. */
const MEMBERS: ReadonlySet<string> = new Set([
  ...REQUIRED,
  'subject',
  'time',
  'dataschema',
  'correlationid',
  'causationid',
  'data',
  'data_base64',
]);
/** Attributes that tie events together are taken from plain JSON too. */
const LINKS = new Set(['correlationid', 'causationid']);
const BATCH = 'application/cloudevents-batch+json';

/**
 * The events of a message. Its `content-type` attribute decides, as in the CloudEvents binding for Pub/Sub: a
 * structured CloudEvent, a batch of them, or, where there are `ce-*` attributes, one in binary mode. Without it
 * a JSON object with all that a CloudEvent needs is a structured one; any other JSON is an event by its content.
 * Throws `invalid-event`, `not-json`, `too-large` or `too-deep` where the message as a whole is no good; of a
 * batch, each event is good or bad on its own.
 */
export function readEvents(message: PubsubMessage, options: ReadOptions): ReadEvents {
  const contentType = contentTypeOf(message);
  const given: AttributeReader = (name) => message.attributes[`ce-${name}`];
  if (isBatch(message)) {
    return { mode: 'batch', outcomes: readBatch(decodeText(message.data), given, options) };
  }
  checkSize(message.data.length, options);
  const text = decodeText(message.data);
  const isBinary = given('id') !== undefined || given('specversion') !== undefined;
  if (isBinary && contentType !== STRUCTURED && !(contentType === undefined || isJsonType(contentType))) {
    throw new AppError('invalid-event', `content-type must be JSON, got ${quoted(contentType)}`);
  }
  if (isBinary && text === '') return one('binary', cloudEventOf(given, undefined), text);

  if (text === '') throw new AppError('not-json', 'data must be JSON, got 0 bytes');
  const root = read(text, options.maxDepth);
  // a producer may repeat the envelope in attributes, for subscriptions to filter on
  const repeats = root.kind === 'object' && isRepeated(text, root, given);
  const looksStructured = root.kind === 'object' && REQUIRED.every((name) => root.members.has(name));
  if (contentType === STRUCTURED || (looksStructured && (!isBinary || repeats))) {
    return one('structured', structuredEvent(text, root, given, options), text);
  }
  if (isBinary) return one('binary', cloudEventOf(given, text), text);
  const { attributes, topic } = message;
  const event = plainEventOf(
    canonicalHash(text, root),
    {
      type: attributes['ce-type'] ?? attributes['type'] ?? options.defaultType,
      source: attributes['ce-source'] ?? attributes['source'] ?? topic ?? options.defaultSource,
    },
    // without the prefix they are the producer's own, and mean what they like
    (name) => attributes[`ce-${name}`] ?? (LINKS.has(name) ? attributes[name] : undefined),
    text,
  );
  return one('plain', event, text);
}

/** True for a message that says it is a batch of events. */
export function isBatch(message: PubsubMessage): boolean {
  return contentTypeOf(message) === BATCH;
}

function one(mode: ReadEvents['mode'], event: IncomingEvent, text: string): ReadEvents {
  return { mode, outcomes: [{ kind: 'event', event, text }] };
}

function readBatch(text: string, given: AttributeReader, options: ReadOptions): ReadOutcome[] {
  const { maxBatch, maxBytes } = options;
  const outcomes: ReadOutcome[] = [];
  // the batch is a level of its own
  const limits = { maxDepth: options.maxDepth + 1, maxElement: maxBytes };
  const kind = checked(() =>
    readJsonElements(text, limits, MEMBERS, (item) => {
      if (outcomes.length === maxBatch) {
        const seen = `${maxBatch + 1} in its first ${item.end} characters`;
        throw new AppError('too-large', `batch must have at most ${maxBatch} events, got ${seen}`);
      }
      outcomes.push(elementOf(text, item, given, options));
    }),
  );
  if (kind === 'array') return outcomes;
  throw new AppError('invalid-event', `batch must be a JSON array, got JSON of kind ${kind}`);
}

function elementOf(text: string, item: JsonText, given: AttributeReader, options: ReadOptions): ReadOutcome {
  const own = text.slice(item.start, item.end);
  try {
    checkSize(Buffer.byteLength(own), options);
    return { kind: 'event', event: structuredEvent(text, item, given, options), text: own };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { kind: 'refused', error, text: own };
  }
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function structuredEvent(
  text: string,
  root: JsonText,
  given: AttributeReader,
  options: ReadOptions,
): IncomingEvent {
  if (root.kind !== 'object') {
    throw new AppError('invalid-event', `CloudEvent must be a JSON object, got JSON of kind ${root.kind}`);
  }
  const { members } = root;
  return cloudEventOf(
    (name) => scalarOf(text, members.get(name)) ?? (LINKS.has(name) ? linkOf(given(name)) : undefined),
    dataOf(text, root, options),
  );
}

/** What ties an event to others may stand beside it, as in a replayed message; nothing is refused for it. */
function linkOf(value: unknown): string | undefined {
  const fits = typeof value === 'string' && value !== '' && value.isWellFormed() && !/\p{Cc}/u.test(value);
  return fits ? value : undefined;
}

function dataOf(text: string, { members }: JsonText, { maxDepth }: ReadOptions): string | undefined {
  const data = members.get('data');
  const encoded = members.get('data_base64');
  if (encoded === undefined) return data && text.slice(data.start, data.end);
  if (data !== undefined) {
    throw new AppError('invalid-event', 'CloudEvent must have data or data_base64, got both');
  }
  const value = scalarOf(text, encoded);
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  if (bytes === undefined || bytes.toString('base64') !== value) {
    throw invalid('data_base64', 'base64', value);
  }
  const decoded = decodeText(bytes);
  // it was one string so far, and is a text of its own now
  read(decoded, maxDepth);
  return decoded;
}

function isRepeated(text: string, { members }: JsonText, given: AttributeReader): boolean {
  return ['id', 'source'].every((name) => scalarOf(text, members.get(name)) === given(name));
}

/** Text of a string, and the literal of any other scalar: all attributes have a text form. */
function scalarOf(text: string, node: JsonSpan | undefined): unknown {
  if (node === undefined || node.kind === 'null') return undefined;
  const literal = text.slice(node.start, node.end);
  if (node.kind === 'string') return literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1);
  if (node.kind === 'object') return {};
  return node.kind === 'array' ? [] : literal;
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

function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  throw new AppError('not-json', `data must be JSON, got ${bytes.length} bytes that are not UTF-8`);
}

function read(text: string, maxDepth: number): JsonDocument {
  return checked(() => readJsonText(text, { maxDepth }, MEMBERS));
}

function checked<T>(scan: () => T): T {
  try {
    return scan();
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    if (error.reason === 'depth') throw new AppError('too-deep', `data is ${error.message}`);
    if (error.reason === 'number') throw new AppError('too-large', error.message);
    throw new AppError('not-json', `data must be JSON, got ${error.message}`);
  }
}

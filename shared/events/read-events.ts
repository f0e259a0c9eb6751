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
import { invalid, type JsonEvent } from './cloud-event.ts';
import { type AttributeReader, cloudEventOf, plainEventOf } from './json-event.ts';
import { LINK_PLACES, type LinkSources } from './links.ts';
import type { PubsubMessage } from './pubsub-message.ts';

export interface ReadOptions {
  /** Maximum bytes of one event. */
  maxBytes: number;
  /** Maximum nesting of arrays and objects in one event. */
  maxDepth: number;
  /** Maximum events in one batch. */
  maxBatch: number;
  /** Type of plain JSON whose attributes name none. */
  defaultType: string;
  defaultSource: string;
}

/** An event, or the reason why it is invalid; `text` is its original JSON. */
export type ReadOutcome =
  | { kind: 'event'; event: JsonEvent; text: string }
  | { kind: 'refused'; error: AppError; text: string };

type Attributes = PubsubMessage['attributes'];

export interface ReadEvents {
  mode: 'structured' | 'binary' | 'batch' | 'plain';
  outcomes: ReadOutcome[];
}

export const STRUCTURED = 'application/cloudevents+json';
const REQUIRED = ['specversion', 'id', 'source', 'type'];
/** Members of an event that are read. */
const MEMBERS: ReadonlySet<string> = new Set([
  ...REQUIRED,
  'subject',
  'time',
  'dataschema',
  'data',
  'data_base64',
  'metadata',
  ...Object.values(LINK_PLACES).flatMap(({ event }) => event),
]);
const METADATA: ReadonlySet<string> = new Set(Object.values(LINK_PLACES).flatMap(({ metadata }) => metadata));
/** Characters of an event's `metadata`; a longer one is user data and is not read. */
const MAX_METADATA = 16_384;
const BATCH = 'application/cloudevents-batch+json';

/**
 * The events of a message. Its `content-type` attribute decides, as in the CloudEvents binding for Pub/Sub: a
 * structured CloudEvent, a batch of them, or, if there are `ce-*` attributes, one in binary mode. Without it, a
 * JSON object with all required CloudEvents attributes is a structured event; any other JSON is an event identified
 * by its content. Throws `invalid-event`, `not-json`, `too-large` or `too-deep` if the message as a whole is
 * invalid; the events of a batch are judged one by one.
 */
export function readEvents(message: PubsubMessage, options: ReadOptions): ReadEvents {
  const contentType = contentTypeOf(message);
  const given: AttributeReader = (name) => message.attributes[`ce-${name}`];
  const { attributes, topic } = message;
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
  const root = read(text, options.maxDepth);
  // a producer may repeat the envelope in attributes, for subscriptions to filter on
  const repeats = root.kind === 'object' && isRepeated(text, root, given);
  const looksStructured = root.kind === 'object' && REQUIRED.every((name) => root.members.has(name));
  if (contentType === STRUCTURED || (looksStructured && (!isBinary || repeats))) {
    return one('structured', structuredEvent(text, root, attributes, options), text);
  }
  if (isBinary) return one('binary', cloudEventOf(given, beside, text), text);
  const own = linkSources(text, root, attributes);
  const event = plainEventOf(
    {
      eventId: canonicalHash(text, root),
      type: attributes['ce-type'] ?? attributes['type'] ?? options.defaultType,
      source: attributes['ce-source'] ?? attributes['source'] ?? topic ?? options.defaultSource,
    },
    // without the prefix, attributes are the producer's own and may mean anything
    given,
    // and so is a member of that name
    { ...own, event: (name) => (name === 'hops' ? undefined : own.event(name)) },
    text,
  );
  return one('plain', event, text);
}

/** True if the message declares a batch of events. */
export function isBatch(message: PubsubMessage): boolean {
  return contentTypeOf(message) === BATCH;
}

function one(mode: ReadEvents['mode'], event: JsonEvent, text: string): ReadEvents {
  return { mode, outcomes: [{ kind: 'event', event, text }] };
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
  try {
    checkSize(Buffer.byteLength(own), options);
    return { kind: 'event', event: structuredEvent(text, item, attributes, options), text: own };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { kind: 'refused', error, text: own };
  }
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function structuredEvent(
  text: string,
  root: JsonText,
  attributes: Attributes,
  options: ReadOptions,
): JsonEvent {
  if (root.kind !== 'object') {
    throw new AppError('invalid-event', `CloudEvent must be a JSON object, got JSON of kind ${root.kind}`);
  }
  const links = linkSources(text, root, attributes);
  return cloudEventOf(links.event, links, dataOf(text, root, options));
}

/** The link sources of an event that is JSON. */
function linkSources(text: string, { members }: JsonText, attributes: Attributes): LinkSources {
  const event: AttributeReader = (name) => scalarOf(text, members.get(name));
  const metadata = members.get('metadata');
  if (metadata?.kind !== 'object' || metadata.end - metadata.start > MAX_METADATA) {
    return { event, metadata: nothing, attributes };
  }
  const inner = text.slice(metadata.start, metadata.end);
  // already scanned as part of the whole
  const found = readJsonText(inner, { maxDepth: MAX_METADATA }, METADATA).members;
  return { event, metadata: (name) => scalarOf(inner, found.get(name)), attributes };
}

const nothing = (): undefined => undefined;

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
  // it was scanned as one string, and is now a text of its own
  read(decoded, maxDepth);
  return decoded;
}

function isRepeated(text: string, { members }: JsonText, given: AttributeReader): boolean {
  return ['id', 'source'].every((name) => scalarOf(text, members.get(name)) === given(name));
}

/** Text of a string, or the literal of any other scalar: all attributes have a text form. */
export function scalarOf(text: string, node: JsonSpan | undefined): unknown {
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

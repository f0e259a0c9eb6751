import { AppError } from '../core/errors.ts';
import { describe, isJsonObject, type Json } from '../core/json-value.ts';
import { sha256 } from '../core/sha256.ts';
import type { DataOf } from './event-data.ts';
import { type EventLinks, linkSources, linksOf } from './links.ts';

/** A producer's event (CloudEvents 1.0), normalized from any input form. */
export interface CloudEvent<T extends string = string, Data = DataOf<T>> extends EventLinks {
  /** Identity, 64 hex digits: the same for every delivery and every publisher of the event. */
  eventId: string;
  /** For plain JSON, which is identified by its content: the `eventId`. */
  id: string;
  source: string;
  type: T;
  subject: string | undefined;
  /** RFC 3339. */
  time: string | undefined;
  /** URI of the schema that its data claims to follow. */
  dataschema: string | undefined;
  /** Attributes without a field of their own here. */
  extensions: Readonly<Record<string, string>>;
  data: Data;
}

/** An event of one of several types: `event.type` determines the type of its data. */
export type EventOf<T extends string> = T extends string ? CloudEvent<T> : never;

/** An event whose data is its producer's JSON, byte for byte; undefined if it has no data. */
export interface JsonEvent extends Omit<CloudEvent<string, string | undefined>, 'extensions'> {
  /** All that was published, if its form is not a CloudEvent and `data` is only a part of it. */
  body?: string;
  /** Ids that earlier versions gave this event: a table may have its row under one of them. */
  formerIds?: readonly string[];
}

/** A parsed event; `eventId` is set if its identity is not source and id. */
export interface ParsedEvent {
  event: CloudEvent;
  eventId?: string;
}

const FIELDS = new Set([
  'id',
  'source',
  'type',
  'specversion',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
  'data_base64',
  'correlationid',
  'causationid',
  'traceparent',
  'hops',
]);

/** Longer attributes are refused. The specification requires only events of up to 64 KiB to be forwarded. */
const MAX_ATTRIBUTE = 8_192;
const MAX_EXTENSIONS = 100;

/**
 * Parses the functions-framework's input as a CloudEvent; it represents binary and structured mode alike.
 * `attributes` are those of the message that carried it, if any. Throws `invalid-event` naming the attribute that
 * is missing or wrong.
 */
export function parseCloudEvent(
  input: unknown,
  attributes: Readonly<Record<string, unknown>> = {},
): CloudEvent {
  if (!isJsonObject(input)) {
    throw invalid('event', 'a JSON object', input);
  }
  if (input['specversion'] !== '1.0') {
    throw invalid('specversion', '"1.0"', input['specversion']);
  }
  const id = attribute(input, 'id');
  const source = attribute(input, 'source');
  const eventId = eventIdOf({ id, source });
  return {
    eventId,
    id,
    source,
    type: attribute(input, 'type'),
    subject: optionalAttribute(input, 'subject'),
    time: optionalAttribute(input, 'time'),
    dataschema: optionalAttribute(input, 'dataschema'),
    ...linksOf(eventId, linkSources(input, attributes)),
    extensions: extensionsOf(input),
    data: eventData(input),
  };
}

/** `sha256` of the canonical JSON (RFC 8785) of the event's identity, which is its source and id. */
export function eventIdOf(event: Pick<CloudEvent, 'id' | 'source'>): string {
  return sha256(JSON.stringify({ id: event.id, source: event.source }));
}

/** Attributes of an event that have no field of their own, as text. */
export function extensionsOf(event: Json): Readonly<Record<string, string>> {
  const extensions: Record<string, string> = {};
  let count = 0;
  for (const [name, value] of Object.entries(event)) {
    if (FIELDS.has(name) || !/^[a-z0-9]{1,64}$/.test(name)) continue;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue;
    extensions[name] = String(value).slice(0, MAX_ATTRIBUTE);
    if (++count === MAX_EXTENSIONS) break;
  }
  return extensions;
}

/** The id that a producer gave the event; undefined for plain JSON, whose id is its `eventId`. */
export function ownIdOf({ id, eventId }: Pick<CloudEvent, 'id' | 'eventId'>): string | undefined {
  return id === eventId ? undefined : id;
}

/** Decodes JSON from the forms of event data: an object, text, bytes or base64. */
export function decodeJson(value: unknown, what: string): Json {
  if (isJsonObject(value)) return value;
  const text =
    typeof value === 'string'
      ? value
      : value instanceof Uint8Array
        ? Buffer.from(value).toString()
        : undefined;
  if (text === undefined) {
    throw invalid(what, 'a JSON object', value);
  }
  const parsed = parse(text) ?? (isBase64(text) ? parse(Buffer.from(text, 'base64').toString()) : undefined);
  if (isJsonObject(parsed)) return parsed;
  throw invalid(what, 'a JSON object, or one in base64', text);
}

/** `name must be allowed, got …`: shows only the value's type and size, which are safe to log, publish and store. */
export function invalid(name: string, allowed: string, value: unknown): AppError {
  return new AppError('invalid-event', `${name} must be ${allowed}, got ${describe(value)}`, {
    found: value,
  });
}

function eventData(input: Json): unknown {
  const encoded = input['data_base64'];
  if (encoded === undefined) return input['data'];
  if (typeof encoded === 'string' && isBase64(encoded)) return Buffer.from(encoded, 'base64');
  throw invalid('data_base64', 'base64', encoded);
}

function attribute(input: Json, name: string): string {
  const value = input[name];
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_ATTRIBUTE) return value;
  throw invalid(name, `a string of 1 to ${MAX_ATTRIBUTE} characters`, value);
}

function optionalAttribute(input: Json, name: string): string | undefined {
  return input[name] === undefined || input[name] === null ? undefined : attribute(input, name);
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

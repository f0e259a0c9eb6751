import { AppError } from '../core/errors.ts';
import { describe, isJsonObject, type Json } from '../core/json-value.ts';
import { sha256 } from '../core/sha256.ts';

/** A CloudEvents 1.0 event in one form, whatever form it came in. Extensions are in `extensions`. */
export interface CloudEvent {
  id: string;
  source: string;
  type: string;
  subject: string | undefined;
  /** RFC 3339. */
  time: string | undefined;
  extensions: Readonly<Record<string, string>>;
  /** W3C trace context of the request that brought it. */
  traceparent: string | undefined;
  data: unknown;
}

/** An event that was read; `eventId` if its identity is not its source and id. */
export interface ParsedEvent {
  event: CloudEvent;
  eventId?: string;
}

const KNOWN = new Set([
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
  'traceparent',
]);

/** Attributes longer than this are refused: the specification asks for 64 KiB events to be passed on at least. */
const MAX_ATTRIBUTE = 8_192;

/**
 * What the functions-framework hands over, as a CloudEvent: binary and structured mode look alike there.
 * Throws `invalid-event` naming the attribute that is missing or wrong.
 */
export function parseCloudEvent(input: unknown): CloudEvent {
  if (!isJsonObject(input)) {
    throw invalid('event', 'a JSON object', input);
  }
  if (input['specversion'] !== '1.0') {
    throw invalid('specversion', '"1.0"', input['specversion']);
  }
  const extensions: Record<string, string> = {};
  for (const [name, value] of Object.entries(input)) {
    if (!KNOWN.has(name) && /^[a-z0-9]{1,64}$/.test(name) && typeof value === 'string') {
      extensions[name] = value.slice(0, MAX_ATTRIBUTE);
    }
  }
  return {
    id: attribute(input, 'id'),
    source: attribute(input, 'source'),
    type: attribute(input, 'type'),
    subject: optionalAttribute(input, 'subject'),
    time: optionalAttribute(input, 'time'),
    traceparent: typeof input['traceparent'] === 'string' ? input['traceparent'] : undefined,
    extensions,
    data: eventData(input),
  };
}

/** `sha256` of the canonical JSON (RFC 8785) of the event's identity, which is its source and id. */
export function eventIdOf(event: Pick<CloudEvent, 'id' | 'source'>): string {
  return sha256(JSON.stringify({ id: event.id, source: event.source }));
}

/** JSON carried as an object, as text, as bytes or as base64: the forms that event data comes in. */
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

/** `name must be allowed, got …`: the value's type and size alone, which may be logged, published and stored. */
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

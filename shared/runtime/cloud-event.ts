import { createHash } from 'node:crypto';
import { AppError } from './errors.ts';

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

export type Json = Readonly<Record<string, unknown>>;

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

export function isJsonObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

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

export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON carried as an object, as text, as bytes or as base64: the forms that event data comes in. */
export function decodeJson(value: unknown, what: string): Json {
  if (isJsonObject(value)) return value;
  const text = typeof value === 'string' ? value : isBytes(value) ? Buffer.from(value).toString() : undefined;
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

/** A value's type and size: the value itself may be somebody's data, which a message must not hold. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isBytes(value)) return `${value.byteLength} bytes`;
  if (typeof value === 'object') return 'an object';
  if (value === '') return 'an empty string';
  if (typeof value !== 'string') return `a ${typeof value}`;
  return value.length === 1 ? 'a string of 1 character' : `a string of ${value.length} characters`;
}

/** A name that says of what kind an event is, such as its type: such names may be told. At most 80 characters. */
export function quoted(name: unknown): string {
  if (typeof name !== 'string') return describe(name);
  return name.length > 80
    ? `${JSON.stringify(name.slice(0, 80))}… (${name.length} characters)`
    : JSON.stringify(name);
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

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
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

import { parseDuration } from './duration.ts';
import { invalid, PubsubError } from './errors.ts';

export type FieldType =
  | 'string'
  | 'int'
  | 'bool'
  | 'duration'
  | 'timestamp'
  | 'base64'
  /** Map of strings to strings. */
  | 'map'
  | 'strings'
  /** Known to the service but not supported here: refused unless it is empty or false. */
  | 'unimplemented'
  /** Set by the server: accepted and ignored. */
  | 'output'
  | Fields
  | readonly [Fields];
export interface Fields {
  readonly [name: string]: FieldType;
}

type Json = Record<string, unknown>;

/**
 * Validates a JSON message against its fields, as Google parses protocol buffers from JSON: accepts either spelling
 * of a name (`ackIds`, `ack_ids`), null as absent, and numbers as text; rejects unknown names. Returns names in
 * camel case. Throws the API's 400 with the path of what is wrong.
 */
export function readFields(value: unknown, fields: Fields, path = ''): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(path, 'a JSON object', value);
  }
  const result: Json = {};
  for (const [sent, content] of Object.entries(value)) {
    const name = Object.hasOwn(fields, sent) ? sent : camelCase(sent);
    const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (type === undefined) {
      const where = path === '' ? '' : ` at '${path}'`;
      throw invalid(
        `Invalid JSON payload received. Unknown name "${sent.slice(0, 200)}"${where}: Cannot find field.`,
        path,
      );
    }
    if (content === null) continue;
    const read = readField(content, type, path === '' ? name : `${path}.${name}`);
    if (read !== undefined) result[name] = read;
  }
  return result;
}

export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function readField(value: unknown, type: FieldType, path: string): unknown {
  if (typeof type === 'object') return readNested(value, type, path);
  switch (type) {
    case 'string':
      if (typeof value === 'string') return value;
      throw bad(path, 'TYPE_STRING', value);
    case 'bool':
      if (typeof value === 'boolean') return value;
      throw bad(path, 'TYPE_BOOL', value);
    case 'int': {
      const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
      if (Number.isInteger(number) && Math.abs(number as number) < 2 ** 31) return number;
      throw bad(path, 'TYPE_INT32', value);
    }
    case 'duration':
      if (typeof value === 'string' && parseDuration(value) !== undefined) return value;
      throw bad(path, 'type.googleapis.com/google.protobuf.Duration', value);
    case 'timestamp':
      if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))) {
        return value;
      }
      throw bad(path, 'type.googleapis.com/google.protobuf.Timestamp', value);
    case 'base64':
      if (typeof value === 'string' && isBase64(value)) return value;
      throw bad(path, 'TYPE_BYTES', value);
    case 'map':
      return readMap(value, path);
    case 'strings':
      if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
      throw bad(path, 'a list of TYPE_STRING', value);
    case 'output':
      return undefined;
    case 'unimplemented':
      if (isEmpty(value)) return undefined;
      throw new PubsubError('UNIMPLEMENTED', `${path} is not supported by the local Pub/Sub server`, path);
  }
}

function readNested(value: unknown, type: Fields | readonly [Fields], path: string): unknown {
  if (!isList(type)) return readFields(value, type, path);
  if (!Array.isArray(value)) throw bad(path, 'a list', value);
  return value.map((one, index) => readFields(one, type[0], `${path}[${index}]`));
}

function readMap(value: unknown, path: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(path, 'a map', value);
  const entries = Object.entries(value);
  for (const [key, content] of entries) {
    if (typeof content !== 'string') throw bad(`${path}[${key}]`, 'TYPE_STRING', content);
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function isList(type: Fields | readonly [Fields]): type is readonly [Fields] {
  return Array.isArray(type);
}

function isEmpty(value: unknown): boolean {
  if (value === false || value === '' || value === 0) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Accepts either alphabet, with or without padding. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;
}

function bad(path: string, wanted: string, value: unknown): Error {
  const found = JSON.stringify(value) ?? String(value);
  const shown = found.length > 100 ? `${found.slice(0, 100)}…` : found;
  return invalid(`Invalid value at '${path}' (${wanted}), ${shown}`, path);
}

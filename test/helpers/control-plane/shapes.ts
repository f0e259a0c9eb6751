import { invalid } from './api-error.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Type of a field's value. An object lists its fields; a list of one is a list of that shape. */
export type Shape =
  | 'string'
  | 'boolean'
  | 'number'
  | 'duration'
  | 'map'
  | 'any'
  | readonly [Shape]
  | ReadonlySet<string>
  | { readonly [field: string]: Shape };

const oneOf = (...values: string[]): ReadonlySet<string> => new Set(values);

export { oneOf };

/** Throws the API's own 400 for an unknown field or a value of the wrong kind. */
export function checkShape(value: Json | undefined, shape: Shape, path = ''): void {
  if (value === undefined || value === null) return;
  if (typeof shape === 'string') {
    if (!isOf(value, shape)) throw wrong(path, value, shape);
  } else if (shape instanceof Set) {
    if (typeof value !== 'string' || !shape.has(value)) throw wrong(path, value, [...shape].join(' | '));
  } else if (isList(shape)) {
    if (!Array.isArray(value)) throw wrong(path, value, 'list');
    for (const [i, item] of value.entries()) checkShape(item, shape[0], `${path}[${i}]`);
  } else {
    if (typeof value !== 'object' || Array.isArray(value)) throw wrong(path, value, 'object');
    for (const [key, item] of Object.entries(value)) {
      const inner = (shape as Record<string, Shape>)[key];
      if (inner === undefined) {
        throw invalid(
          `Invalid JSON payload received. Unknown name "${key}"${path === '' ? '' : ` at '${path}'`}: Cannot find field.`,
        );
      }
      checkShape(item, inner, path === '' ? key : `${path}.${key}`);
    }
  }
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);

function isOf(value: Json, kind: 'string' | 'boolean' | 'number' | 'duration' | 'map' | 'any'): boolean {
  if (kind === 'any') return true;
  if (kind === 'map')
    return isObject(value) && Object.values(value).every((item) => typeof item === 'string');
  if (kind === 'duration') return typeof value === 'string' && /^\d+(\.\d{1,9})?s$/.test(value);
  // 64-bit numbers travel as text.
  if (kind === 'number')
    return typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value));
  return typeof value === kind;
}

const wrong = (path: string, value: Json, wanted: string) =>
  invalid(`Invalid value at '${path}': ${JSON.stringify(value)}; ${wanted} is allowed.`);

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function object(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

/** Removes null fields, which JSON clients send for unset ones. */
export function withoutNulls(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));
}

const camel = (path: string): string =>
  path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Copies `current` with the fields of `change` that `mask` names; a masked field that is absent is cleared. */
export function applyMask(current: JsonObject, change: JsonObject, mask: string): JsonObject {
  const result = structuredClone(current);
  if (mask.trim() === '') throw invalid('update_mask is required: name the fields to change.');
  for (const path of mask.split(',')) {
    const parts = camel(path.trim()).split('.');
    const last = parts.pop()!;
    let from: JsonObject = change;
    let to: JsonObject = result;
    for (const part of parts) {
      from = object(from[part]);
      if (!isObject(to[part])) to[part] = {};
      to = to[part] as JsonObject;
    }
    const value = from[last];
    if (value === undefined || value === null) delete to[last];
    else to[last] = structuredClone(value);
  }
  return result;
}

/** An answer as from protocol buffers: omits what is 0, false or empty, and a label's default type. */
export function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (!isObject(value)) return value;
  const told = Object.entries(value).filter(
    ([key, item]) =>
      !(item === 0 || item === false || item === '' || (Array.isArray(item) && item.length === 0)) &&
      !(key === 'valueType' && item === 'STRING'),
  );
  return Object.fromEntries(told.map(([key, item]) => [key, withoutDefaults(item)]));
}

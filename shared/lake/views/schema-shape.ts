import { isJsonObject, type Json } from '../../core/json-value.ts';
import type { ScalarKind } from './field-type.ts';

/** What a JSON Schema says about a value, as far as a column needs it. Names are those of JSON. */
export type Shape = ScalarShape | StructShape | ArrayShape;

interface Described {
  comment: string;
}

export interface ScalarShape extends Described {
  kind: ScalarKind;
}

export interface StructShape extends Described {
  kind: 'struct';
  members: ReadonlyMap<string, Member>;
}

export interface ArrayShape extends Described {
  kind: 'array';
  items: ScalarShape | StructShape;
}

export interface Member {
  shape: Shape;
  isRequired: boolean;
}

/** Depth of nested objects: BigQuery allows 15. */
const MAX_DEPTH = 12;
/** Members of one schema in all: a schema may refer to one definition many times. */
const MAX_MEMBERS = 2_000;

/**
 * Shape of a JSON Schema (2020-12). What has no single type is `json`: values of several types, maps, tuples, arrays of
 * arrays, and schemas that refer to themselves. Throws an Error for more than 2,000 members.
 */
export function shapeOf(schema: Json): Shape {
  return new Reader(schema).read(schema, 0, []);
}

const FORMATS: Readonly<Record<string, ScalarKind>> = {
  'date-time': 'timestamp',
  date: 'date',
  decimal: 'decimal',
};

const SCALARS: Readonly<Record<string, ScalarKind>> = {
  string: 'string',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
};

class Reader {
  #members = 0;
  readonly #root: Json;

  constructor(root: Json) {
    this.#root = root;
  }

  read(schema: unknown, depth: number, refs: readonly string[]): Shape {
    const json: ScalarShape = { kind: 'json', comment: isJsonObject(schema) ? commentOf(schema) : '' };
    if (!isJsonObject(schema) || depth > MAX_DEPTH) return json;
    const ref = schema['$ref'];
    if (typeof ref === 'string') {
      if (refs.includes(ref)) return json;
      const found = this.read(this.#resolve(ref), depth, [...refs, ref]);
      return { ...found, comment: json.comment || found.comment };
    }
    const parts = this.#parts(schema, depth, refs);
    if (parts === undefined) return json;
    const types = typesOf(schema);
    if (types.length !== 1) return types.length === 0 && parts.length === 1 ? parts[0]! : json;
    const [type] = types;
    if (type === 'object') return this.#struct(schema, parts, depth, refs);
    if (type === 'array') return this.#array(schema, depth, refs);
    const { format } = schema;
    const special = type === 'string' && typeof format === 'string' ? FORMATS[format] : undefined;
    return { kind: special ?? SCALARS[type!] ?? 'json', comment: json.comment };
  }

  /** Shapes of the parts that hold together; undefined if there are alternatives of different types. */
  #parts(schema: Json, depth: number, refs: readonly string[]): Shape[] | undefined {
    const all = listOf(schema['allOf']).map((part) => this.read(part, depth, refs));
    for (const key of ['anyOf', 'oneOf']) {
      const options = listOf(schema[key]).filter((option) => !(isJsonObject(option) && isNull(option)));
      const shapes = options.map((option) => this.read(option, depth, refs));
      const [first] = shapes;
      if (first === undefined) continue;
      if (first.kind === 'array' || shapes.some(({ kind }) => kind !== first.kind)) {
        if (typesOf(schema).length !== 1) return undefined;
        continue;
      }
      const comment = commentOf(schema);
      all.push(first.kind === 'struct' ? alternatives(shapes, comment) : { ...first, comment });
    }
    return all;
  }

  #struct(schema: Json, parts: readonly Shape[], depth: number, refs: readonly string[]): Shape {
    const required = new Set(listOf(schema['required']));
    const members = new Map<string, Member>();
    for (const part of parts) {
      if (part.kind === 'struct') for (const [key, member] of part.members) members.set(key, member);
    }
    const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
    for (const [key, property] of Object.entries(properties)) {
      if (++this.#members > MAX_MEMBERS) throw new Error(`schema must have at most ${MAX_MEMBERS} fields`);
      const shape = this.read(property, depth + 1, refs);
      members.set(key, { shape, isRequired: required.has(key) && !mayBeNull(property) });
    }
    const comment = commentOf(schema);
    return members.size === 0 ? { kind: 'json', comment } : { kind: 'struct', members, comment };
  }

  #array(schema: Json, depth: number, refs: readonly string[]): Shape {
    const comment = commentOf(schema);
    if ('prefixItems' in schema) return { kind: 'json', comment };
    const items = this.read(schema['items'], depth + 1, refs);
    return items.kind === 'array' ? { kind: 'json', comment } : { kind: 'array', items, comment };
  }

  #resolve(ref: string): unknown {
    if (ref === '#') return this.#root;
    if (!ref.startsWith('#/')) return undefined;
    const steps = ref.slice(2).split('/');
    return steps.reduce<unknown>((found, step) => {
      const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
      return isJsonObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
    }, this.#root);
  }
}

/** One struct for alternatives: a member is required if each of them requires it. */
function alternatives(shapes: readonly Shape[], comment: string): StructShape {
  const structs = shapes.filter((shape) => shape.kind === 'struct');
  return { ...structs.reduce((left, right) => mergeStructs(left, right)), comment };
}

/** Members of both; of a member with two types, the second one's counts unless one of them holds the other. */
export function mergeStructs(older: StructShape, newer: StructShape): StructShape {
  const members = new Map<string, Member>();
  for (const [key, member] of newer.members) {
    const before = older.members.get(key);
    members.set(key, before === undefined ? { ...member, isRequired: false } : mergeMembers(before, member));
  }
  for (const [key, member] of older.members) {
    if (!members.has(key)) members.set(key, { ...member, isRequired: false });
  }
  return { ...newer, members };
}

function mergeMembers(older: Member, newer: Member): Member {
  const isRequired = older.isRequired && newer.isRequired;
  return { shape: mergeShapes(older.shape, newer.shape), isRequired };
}

function mergeShapes(older: Shape, newer: Shape): Shape {
  const comment = newer.comment || older.comment;
  if (older.kind === 'struct' && newer.kind === 'struct') return { ...mergeStructs(older, newer), comment };
  if (older.kind === 'array' && newer.kind === 'array') {
    const items = mergeShapes(older.items, newer.items);
    return { kind: 'array', items: items as ArrayShape['items'], comment };
  }
  if (older.kind === 'number' && newer.kind === 'integer') return { kind: 'number', comment };
  return { ...newer, comment };
}

function typesOf(schema: Json): string[] {
  const { type } = schema;
  const named = typeof type === 'string' ? [type] : listOf(type).map(String);
  const values = 'const' in schema ? [schema['const']] : listOf(schema['enum']);
  const types = named.length > 0 ? named : values.map(typeOf);
  const known = [...new Set(types)].filter((one) => one !== 'null');
  if (known.length === 0 && 'properties' in schema) return ['object'];
  return known.includes('number') ? known.filter((one) => one !== 'integer') : known;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

const isNull = (schema: Json): boolean => schema['type'] === 'null' || schema['const'] === null;

function mayBeNull(schema: unknown): boolean {
  if (!isJsonObject(schema)) return false;
  if (schema['type'] === 'null' || listOf(schema['type']).includes('null')) return true;
  return [schema['anyOf'], schema['oneOf']].flatMap(listOf).some((one) => isJsonObject(one) && isNull(one));
}

/** `Where it was placed. One of: web (a browser), app.` */
function commentOf(schema: Json): string {
  const about = textOf(schema['description']) || textOf(schema['title']);
  const values = valuesOf(schema);
  return [about, values.length > 0 ? `One of: ${values.join(', ')}` : '']
    .filter((text) => text !== '')
    .join(' ');
}

function valuesOf(schema: Json): string[] {
  const named = [schema['oneOf'], schema['anyOf']].flatMap(listOf).flatMap((option) => {
    if (!isJsonObject(option) || !('const' in option) || option['const'] === null) return [];
    const meaning = textOf(option['description']) || textOf(option['title']);
    return [meaning === '' ? shown(option['const']) : `${shown(option['const'])} (${meaning})`];
  });
  return [...named, ...listOf(schema['enum']).map(shown)];
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Reads JSON Schemas as far as a form can show them; what it cannot is edited as JSON. */

export type JsonSchema = Readonly<Record<string, unknown>>;

export type FieldKind =
  | { kind: 'const'; value: unknown }
  | { kind: 'enum'; values: readonly unknown[] }
  | { kind: 'string' | 'number' | 'integer' | 'boolean' | 'null' }
  | { kind: 'object'; properties: readonly [name: string, schema: JsonSchema, isRequired: boolean][] }
  | { kind: 'array'; items: JsonSchema; most: number }
  | { kind: 'choice'; schemas: readonly JsonSchema[] }
  /** Too free for fields. */
  | { kind: 'json' };

/** Keywords that say more than fields can. */
const FREE = ['allOf', 'not', 'if', 'patternProperties', 'prefixItems', 'dependentSchemas', '$dynamicRef'];
const MOST_PROPERTIES = 200;

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Follows `#/…` references of the same document; others are left as they are. */
export function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let current = schema;
  for (let step = 0; step < 20; step++) {
    const { $ref: reference, ...beside } = current;
    if (typeof reference !== 'string' || !reference.startsWith('#')) return current;
    let target: unknown = root;
    for (const part of reference.split('/').slice(1)) {
      const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      target = isSchema(target) && Object.hasOwn(target, name) ? target[name] : undefined;
    }
    if (!isSchema(target)) return {};
    current = { ...target, ...beside };
  }
  return {};
}

export function kindOf(given: JsonSchema, root: JsonSchema): FieldKind {
  const schema = resolve(given, root);
  if (FREE.some((keyword) => keyword in schema) || '$ref' in schema) return { kind: 'json' };
  if ('const' in schema) return { kind: 'const', value: schema['const'] };
  if (Array.isArray(schema['enum'])) return { kind: 'enum', values: schema['enum'] };
  const choices = schema['oneOf'] ?? schema['anyOf'];
  if (choices !== undefined) return choiceOf(schema, choices);
  const { type } = schema;
  if (Array.isArray(type)) {
    const schemas = type.map((one) => ({ ...schema, type: one }));
    return schemas.length === 1 ? kindOf(schemas[0] ?? {}, root) : { kind: 'choice', schemas };
  }
  switch (type) {
    case 'string':
    case 'number':
    case 'integer':
    case 'boolean':
    case 'null':
      return { kind: type };
    case 'array': {
      const { items, maxItems } = schema;
      const most = typeof maxItems === 'number' ? maxItems : Number.POSITIVE_INFINITY;
      return isSchema(items) ? { kind: 'array', items, most } : { kind: 'json' };
    }
    case 'object':
      return objectOf(schema);
    default:
      return isSchema(schema['properties']) ? objectOf(schema) : { kind: 'json' };
  }
}

/** Beside its alternatives, a schema may name and describe, but no more. */
function choiceOf(schema: JsonSchema, choices: unknown): FieldKind {
  const isPlain = !['properties', 'items', 'required'].some((keyword) => keyword in schema);
  const isKnown = Array.isArray(choices) && choices.length > 0 && choices.every(isSchema);
  return isPlain && isKnown ? { kind: 'choice', schemas: choices as JsonSchema[] } : { kind: 'json' };
}

function objectOf(schema: JsonSchema): FieldKind {
  const { properties, required } = schema;
  if (!isSchema(properties)) return { kind: 'json' };
  const entries = Object.entries(properties);
  if (entries.length === 0 || entries.length > MOST_PROPERTIES) return { kind: 'json' };
  const needed = new Set(Array.isArray(required) ? required : []);
  // a required field that is not described cannot be shown
  const isWhole = [...needed].every((name) => typeof name === 'string' && Object.hasOwn(properties, name));
  if (!isWhole) return { kind: 'json' };
  return {
    kind: 'object',
    properties: entries.map(([name, one]) => [name, isSchema(one) ? one : {}, needed.has(name)]),
  };
}

/** What a new field holds: its default or only value, and the required fields of an object. */
export function initialValue(given: JsonSchema, root: JsonSchema, depth = 0): unknown {
  const schema = resolve(given, root);
  if ('default' in schema) return schema['default'];
  const examples = schema['examples'];
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  const found = kindOf(schema, root);
  switch (found.kind) {
    case 'const':
      return found.value;
    case 'enum':
      return found.values[0];
    case 'string':
      return '';
    case 'boolean':
      return false;
    case 'number':
    case 'integer':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 0;
    case 'null':
      return null;
    case 'choice':
      return depth > 8 ? null : initialValue(found.schemas[0] ?? {}, root, depth + 1);
    case 'array': {
      const { minItems } = schema;
      const least = typeof minItems === 'number' ? Math.min(minItems, 20) : 0;
      return depth > 8 ? [] : Array.from({ length: least }, () => initialValue(found.items, root, depth + 1));
    }
    case 'object': {
      const needed = depth > 8 ? [] : found.properties.filter(([, , isRequired]) => isRequired);
      return Object.fromEntries(
        needed.map(([name, one]) => [name, initialValue(one, root, depth + 1)] as const),
      );
    }
    case 'json':
      return schema['type'] === 'array' ? [] : {};
  }
}

/** The rules of a field in a few words, besides its type. */
export function rulesOf(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const { minLength, maxLength, pattern, format, minItems, maxItems, uniqueItems } = schema;
  const range = (what: string, from: unknown, to: unknown): string[] => {
    if (from !== undefined && to !== undefined) return [`${from} to ${to}${what}`];
    const noun = (bound: unknown): string => `${bound}${bound === 1 ? what.replace(/s$/, '') : what}`;
    if (from !== undefined) return [`at least ${noun(from)}`];
    return to !== undefined ? [`at most ${noun(to)}`] : [];
  };
  return [
    ...range('', minimum, maximum),
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`]),
    ...(multipleOf === undefined ? [] : [`a multiple of ${multipleOf}`]),
    ...range(' characters', minLength, maxLength),
    ...(format === undefined ? [] : [String(format)]),
    ...(pattern === undefined ? [] : [`matches ${pattern}`]),
    ...range(' items', minItems, maxItems),
    ...(uniqueItems === true ? ['no two alike'] : []),
  ].join(' · ');
}

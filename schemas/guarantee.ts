import { isJsonObject, type Json } from '../shared/core/json-value.ts';

/** What a reader relies on: a JSON Schema type, or one that may be absent, as in `string?`. */
const WANTED = /^(string|number|integer|boolean|object|array|null)(\?)?$/;

/**
 * Says why a schema does not guarantee that a field is there and has a type; undefined if it does.
 *
 * @param path JSON Pointer of the field, with `*` for each element of an array, such as `/items/*`
 * @param wanted such as `string`, or `string?` for a field that may be absent
 */
export function missingGuarantee(schema: Json, path: string, wanted: string): string | undefined {
  const match = WANTED.exec(wanted);
  if (!match)
    return `its type must be one of string, number, integer, boolean, object, array, null, got ${wanted}`;
  if (path !== '' && !path.startsWith('/')) return `its path must be a JSON Pointer, got ${path}`;
  const steps = path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return check(schema, steps, { root: schema, type: match[1]!, mayBeAbsent: match[2] !== undefined });
}

interface Wish {
  root: Json;
  type: string;
  mayBeAbsent: boolean;
}

/** Bounds schemas that refer to themselves. */
const MAX_STEPS = 100;

function check(schema: unknown, steps: readonly string[], wish: Wish, depth = 0): string | undefined {
  if (depth > MAX_STEPS) return 'its schema refers to itself without end';
  const found = resolve(schema, wish.root);
  if (!isJsonObject(found))
    return found === false ? 'its schema accepts nothing' : 'its schema says nothing about it';
  const inner = (one: unknown): string | undefined => check(one, steps, wish, depth + 1);
  const own = steps.length === 0 ? typeFault(found, wish) : stepFault(found, steps, wish, depth);
  if (own === undefined) return undefined;
  // one part is enough of those that hold together, and of alternatives each must do
  if (listOf(found['allOf']).some((one) => inner(one) === undefined)) return undefined;
  for (const alternatives of [listOf(found['anyOf']), listOf(found['oneOf'])]) {
    if (alternatives.length > 0 && alternatives.every((one) => inner(one) === undefined)) return undefined;
  }
  return own;
}

function stepFault(
  schema: Json,
  [step = '', ...rest]: readonly string[],
  wish: Wish,
  depth: number,
): string | undefined {
  if (step === '*') {
    if (!typesOf(schema).every((type) => type === 'array') || typesOf(schema).length === 0)
      return 'its parent must be an array';
    return check(schema['items'], rest, wish, depth + 1);
  }
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  if (!Object.hasOwn(properties, step)) return 'it is not in the schema';
  const isRequired = listOf(schema['required']).includes(step) && typesOf(schema).join() === 'object';
  // the last step may be absent; those before it may not
  if (!isRequired && !(wish.mayBeAbsent && rest.length === 0)) return 'it is not required';
  return check(properties[step], rest, wish, depth + 1);
}

function typeFault(schema: Json, { type }: Wish): string | undefined {
  const types = typesOf(schema);
  if (types.length > 0 && types.every((one) => one === type || (type === 'number' && one === 'integer')))
    return undefined;
  return `its type must be ${type}, got ${types.length === 0 ? 'any' : types.join(' or ')}`;
}

function typesOf(schema: Json): string[] {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type.map(String);
  const values = 'const' in schema ? [schema['const']] : listOf(schema['enum']);
  return [...new Set(values.map(typeOf))];
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

/** Follows references to the schema itself, `#/$defs/item`. */
function resolve(schema: unknown, root: Json): unknown {
  let found = schema;
  for (let hops = 0; hops < MAX_STEPS && isJsonObject(found); hops++) {
    const ref = found['$ref'];
    if (typeof ref !== 'string') return found;
    if (!ref.startsWith('#/')) return undefined;
    found = ref
      .slice(2)
      .split('/')
      .reduce<unknown>((parent, step) => (isJsonObject(parent) ? parent[step] : undefined), root);
  }
  return found;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

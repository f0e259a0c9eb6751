import type { Dialect } from './dialect.ts';
import type { Field, FieldType, StructType } from './field-type.ts';

/**
 * The typed value of a JSON value; null if it does not fit. An array is null if an element does not fit; a member of an
 * object that does not fit is null by itself.
 * @param depth of the arrays around it: names the variables of their elements
 */
export function typedValue(sql: Dialect, json: string, type: FieldType, depth = 0): string {
  switch (type.kind) {
    case 'struct':
      return `CASE WHEN ${sql.isObject(json)} THEN ${structOf(sql, json, type, depth)} END`;
    case 'array': {
      // BigQuery's arrays hold JSON's null, but not its own
      if (type.items.kind === 'json') return `CASE WHEN ${sql.isArray(json)} THEN ${sql.elements(json)} END`;
      const element = elementName(depth);
      const value = typedValue(sql, element, type.items, depth + 1);
      // the elements are objects already
      const mapped = type.items.kind === 'struct' ? structOf(sql, element, type.items, depth + 1) : value;
      return `CASE WHEN ${arrayFits(sql, json, type, depth)} THEN ${sql.map(sql.elements(json), element, mapped)} END`;
    }
    default:
      return sql.scalar(json, type.kind);
  }
}

function structOf(sql: Dialect, json: string, { fields }: StructType, depth: number): string {
  return sql.struct(
    fields.map(({ key, name, type }) => ({
      name,
      value: typedValue(sql, sql.member(json, key), type, depth),
    })),
  );
}

function arrayFits(
  sql: Dialect,
  json: string,
  { items }: FieldType & { kind: 'array' },
  depth: number,
): string {
  if (items.kind === 'json') return sql.isArray(json);
  const element = elementName(depth);
  const misfit = misfits(sql, element, items, depth + 1);
  const bad = `(NOT ${sql.isPresent(element)} OR ${misfit})`;
  return `${sql.isArray(json)} AND NOT ${sql.some(sql.elements(json), element, bad)}`;
}

/** True if a value that is there does not fit. */
function misfits(sql: Dialect, json: string, type: FieldType, depth: number): string {
  switch (type.kind) {
    case 'json':
      return 'FALSE';
    case 'struct':
      return `NOT (${sql.isObject(json)})`;
    case 'array':
      return `NOT COALESCE(${arrayFits(sql, json, type, depth)}, FALSE)`;
    default:
      return `${sql.scalar(json, type.kind)} IS NULL`;
  }
}

export interface Misfit {
  /** `items[].quantity`, with the members' names in JSON. */
  path: string;
  /** Conditions: a required value is absent or null; a value is there and does not fit. */
  missing: string | undefined;
  wrong: string | undefined;
}

/** What may not fit in an object's members, and in theirs. */
export function misfitsOf(
  sql: Dialect,
  json: string,
  fields: readonly Field[],
  path = '',
  depth = 0,
): Misfit[] {
  return fields.flatMap(({ key, type, isRequired }) => {
    const at = path === '' ? key : `${path}.${key}`;
    const value = sql.member(json, key);
    const own: Misfit = {
      path: at,
      missing: isRequired ? `${sql.isObject(json)} AND NOT ${sql.isPresent(value)}` : undefined,
      wrong:
        type.kind === 'json' ? undefined : `${sql.isPresent(value)} AND ${misfits(sql, value, type, depth)}`,
    };
    if (type.kind === 'struct') return [own, ...misfitsOf(sql, value, type.fields, at, depth)];
    if (type.kind !== 'array' || type.items.kind !== 'struct') return [own];
    const element = elementName(depth);
    const within = (condition: string | undefined): string | undefined =>
      condition && `${sql.isArray(value)} AND ${sql.some(sql.elements(value), element, condition)}`;
    const inner = misfitsOf(sql, element, type.items.fields, `${at}[]`, depth + 1);
    return [
      own,
      ...inner.map(({ path, missing, wrong }) => ({ path, missing: within(missing), wrong: within(wrong) })),
    ];
  });
}

const elementName = (depth: number): string => `e${depth + 1}`;

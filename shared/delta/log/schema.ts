import type { SchemaElement } from 'hyparquet';
import { corrupt, DeltaError } from '../delta-error.ts';
import { type Json, parseJson, stringifyJson } from '../json.ts';

/** Column types that are written; others are read if Parquet says how (PROTOCOL.md, "Primitive Types"). */
export type ColumnType =
  | 'string'
  | 'long'
  | 'integer'
  | 'short'
  | 'byte'
  | 'double'
  | 'float'
  | 'boolean'
  | 'binary'
  | 'date'
  | 'timestamp';

export interface Column {
  name: string;
  type: ColumnType;
  /** Default true. */
  nullable?: boolean;
  comment?: string;
}

/** A field as the log has it; nested types stay as they came. */
export interface Field {
  name: string;
  type: ColumnType | Json;
  nullable: boolean;
  metadata: { [key: string]: Json };
}

/**
 * A value of a row. `long` and `timestamp` are returned as BigInt, a timestamp in microseconds since the epoch
 * (UTC), and a date in days since it, as a number. For writing, a Date is accepted for either.
 */
export type Value = string | number | bigint | boolean | Uint8Array | Date | null | undefined;
export type Row = Record<string, Value>;

interface ValueTypes {
  string: string;
  long: bigint | number;
  integer: number;
  short: number;
  byte: number;
  double: number;
  float: number;
  boolean: boolean;
  binary: Uint8Array;
  date: Date | number;
  timestamp: Date | bigint;
}

/**
 * A row to be written of these columns, declared `as const satisfies readonly Column[]`. Each column must be given,
 * be it as undefined, so that one that is forgotten does not compile.
 */
export type RowOf<Columns extends readonly Column[]> = {
  [C in Columns[number] as C['name']]:
    | ValueTypes[C['type']]
    | (C extends { nullable: false } ? never : null | undefined);
};

const PARQUET: Record<ColumnType, Partial<SchemaElement>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  long: { type: 'INT64' },
  integer: { type: 'INT32' },
  short: { type: 'INT32', converted_type: 'INT_16' },
  byte: { type: 'INT32', converted_type: 'INT_8' },
  double: { type: 'DOUBLE' },
  float: { type: 'FLOAT' },
  boolean: { type: 'BOOLEAN' },
  binary: { type: 'BYTE_ARRAY' },
  date: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
  timestamp: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
  },
};

export function isColumnType(type: unknown): type is ColumnType {
  return typeof type === 'string' && Object.hasOwn(PARQUET, type);
}

/** `schemaString` of the columns ("Schema Serialization Format"). */
export function schemaStringOf(columns: readonly Column[]): string {
  const fields: Field[] = columns.map(({ name, type, nullable = true, comment }) => ({
    name,
    type,
    nullable,
    metadata: comment === undefined ? {} : { comment },
  }));
  checkNames(fields);
  return stringifyJson({ type: 'struct', fields });
}

/** `schemaString` with nullable columns added at the end; files written before read them as null. */
export function withColumns(schemaString: string, columns: readonly Column[]): string {
  const required = columns.find((column) => column.nullable === false);
  if (required) {
    throw new DeltaError('schema-mismatch', `added column ${required.name} must be nullable`);
  }
  const fields = [...parseSchema(schemaString), ...parseSchema(schemaStringOf(columns))];
  checkNames(fields);
  return stringifyJson({ type: 'struct', fields });
}

export function parseSchema(schemaString: string): Field[] {
  let parsed: Json;
  try {
    parsed = parseJson(schemaString);
  } catch (error) {
    throw corrupt(`the schema is not JSON: ${schemaString.slice(0, 80)}`, error);
  }
  const fields =
    typeof parsed === 'object' && parsed !== null && 'fields' in parsed ? parsed.fields : undefined;
  if (!Array.isArray(fields)) throw corrupt('the schema is not a struct with fields');
  return fields.map((field) => {
    if (typeof field !== 'object' || field === null || !('name' in field)) {
      throw corrupt('the schema has a field without a name');
    }
    const { name, type, nullable, metadata } = field as { [key: string]: Json };
    if (typeof name !== 'string' || type === undefined)
      throw corrupt('the schema has a field without a type');
    const facts =
      typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata) ? metadata : {};
    return { name, type, nullable: nullable !== false, metadata: facts };
  });
}

/** Says why rows of such a schema cannot be returned as objects; undefined if they can. */
export function unreadableColumn(fields: readonly Field[]): string | undefined {
  for (const { name, type } of fields) {
    const what = unreadableType(name, type);
    if (what !== undefined) return what;
  }
  return undefined;
}

function unreadableType(name: string, type: Json): string | undefined {
  if (name === '__proto__') return 'has a column or field named __proto__, which is not supported';
  if (typeof type !== 'object' || type === null || Array.isArray(type)) return undefined;
  if (typeof type.keyType === 'object') return `has column ${name}, a map with unsupported keys`;
  for (const inner of [type.elementType, type.keyType, type.valueType]) {
    const what = inner === undefined ? undefined : unreadableType(name, inner);
    if (what !== undefined) return what;
  }
  const fields = Array.isArray(type.fields) ? type.fields : [];
  for (const field of fields) {
    if (typeof field !== 'object' || field === null || Array.isArray(field)) continue;
    const what = unreadableType(String(field.name), field.type ?? null);
    if (what !== undefined) return what;
  }
  return undefined;
}

/** Says why rows of such a schema cannot be written; undefined if they can. */
export function unwritableColumn(fields: readonly Field[]): string | undefined {
  for (const { name, type, nullable, metadata } of fields) {
    // one that may be null is left out of new files
    if (!isColumnType(type) && !nullable)
      return `has column ${name} of type ${JSON.stringify(type)}, which cannot be written`;
    const rule = ['delta.invariants', 'delta.generationExpression'].find(
      (key) => metadata[key] !== undefined,
    );
    if (rule) return `has ${rule} on column ${name}, which is not supported`;
  }
  return undefined;
}

/** The columns that new files have: others are null in them. */
export function writableFields(fields: readonly Field[]): readonly Field[] {
  return fields.every(({ type }) => isColumnType(type))
    ? fields
    : fields.filter(({ type }) => isColumnType(type));
}

/** Parquet's schema of a data file ("Delta Data Type to Parquet Type Mappings"). */
export function toParquetSchema(fields: readonly Field[]): SchemaElement[] {
  const leaves = fields.map(({ name, type, nullable }): SchemaElement => {
    if (!isColumnType(type)) throw new DeltaError('unsupported-table', `column ${name} cannot be written`);
    return { name, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED', ...PARQUET[type] };
  });
  return [{ name: 'root', num_children: leaves.length }, ...leaves];
}

const INTEGER_LIMITS = { integer: 2 ** 31, short: 2 ** 15, byte: 2 ** 7 };

/** The stored form of a value: what Parquet holds and what reading gives back. Throws `schema-mismatch`. */
export function toStored(value: Value, field: Field): string | number | bigint | boolean | Uint8Array | null {
  if (value === null || value === undefined) {
    if (field.nullable) return null;
    throw new DeltaError(
      'schema-mismatch',
      `column ${field.name} must have a value, since it is not nullable`,
    );
  }
  switch (field.type) {
    case 'string':
      if (typeof value === 'string' && value.isWellFormed()) return value;
      break;
    case 'long':
      if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
      if (Number.isSafeInteger(value)) return BigInt(value as number);
      break;
    case 'integer':
    case 'short':
    case 'byte': {
      const limit = INTEGER_LIMITS[field.type];
      if (Number.isInteger(value) && (value as number) >= -limit && (value as number) < limit) {
        return value as number;
      }
      break;
    }
    case 'double':
      if (typeof value === 'number') return value;
      break;
    case 'float':
      // what 32 bits hold: statistics are made from it
      if (typeof value === 'number') return Math.fround(value);
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'binary':
      if (value instanceof Uint8Array) return value;
      break;
    case 'date':
      if (value instanceof Date && !Number.isNaN(value.getTime()))
        return Math.floor(value.getTime() / 86_400_000);
      if (Number.isInteger(value)) return value as number;
      break;
    case 'timestamp':
      if (value instanceof Date && !Number.isNaN(value.getTime())) return BigInt(value.getTime()) * 1000n;
      if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
      break;
  }
  throw new DeltaError(
    'schema-mismatch',
    `column ${field.name} must hold ${JSON.stringify(field.type)}, got ${show(value)}`,
  );
}

/** Without the value, which may be personal data. */
function show(value: Value): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Date) return 'an invalid date';
  if (typeof value !== 'string') return `a ${typeof value}`;
  return value.isWellFormed()
    ? `a string of ${value.length} characters`
    : 'a string with half a surrogate pair';
}

function checkNames(fields: readonly Field[]): void {
  const seen = new Set<string>();
  for (const { name } of fields) {
    // the protocol wants names unique regardless of case
    const key = name.toLowerCase();
    if (name === '' || seen.has(key)) {
      throw new DeltaError('schema-mismatch', `column name ${JSON.stringify(name)} is empty or a duplicate`);
    }
    if (/[ ,;{}()\n\t=]/.test(name)) {
      throw new DeltaError(
        'schema-mismatch',
        `column name must have none of " ,;{}()\\n\\t=", got ${JSON.stringify(name)}`,
      );
    }
    seen.add(key);
  }
}

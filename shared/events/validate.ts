import { AppError } from '../core/errors.ts';
import { describe, quoted } from '../core/json-value.ts';
import type { JsonEvent } from './cloud-event.ts';

/** A compiled schema; `errors` belongs to the last call, as in ajv. */
export interface Validator {
  (data: unknown): boolean;
  errors?: null | readonly SchemaError[];
}

export interface SchemaError {
  /** JSON pointer. */
  instancePath: string;
  keyword: string;
  params: Readonly<Record<string, unknown>>;
  message?: string;
}

/** By type, then by version. */
export type Validators = Readonly<Record<string, Readonly<Record<string, Validator>>>>;

/** Characters shown of a value's path, whose names the sender chooses. */
const MAX_PLACE = 200;

export interface ValidateOptions {
  validators: Validators;
  unknownTypes: 'accept' | 'refuse';
}

/**
 * Validates an event's data against the schema of its type. The version is the one at the end of `dataschema`
 * (`…/<type>/<version>` with or without `.json`), else the newest. Throws `unknown-type` or `schema-violation`.
 */
export function validateEvent(event: JsonEvent, options: ValidateOptions): void {
  const schema = schemaOf(event, options);
  if (schema === undefined) return;
  checkData(event.data === undefined ? undefined : (JSON.parse(event.data) as unknown), schema);
}

/** The same for parsed data; undefined if the event has no data. */
export function validateData(
  event: Pick<JsonEvent, 'type' | 'dataschema'>,
  data: unknown,
  options: ValidateOptions,
): void {
  const schema = schemaOf(event, options);
  if (schema !== undefined) checkData(data, schema);
}

interface Schema {
  /** `<type>/<version>`. */
  name: string;
  validator: Validator;
}

/** Undefined if the type has no schema and needs none. */
function schemaOf(
  { type, dataschema }: Pick<JsonEvent, 'type' | 'dataschema'>,
  { validators, unknownTypes }: ValidateOptions,
): Schema | undefined {
  const versions = Object.hasOwn(validators, type) ? validators[type] : undefined;
  if (versions === undefined) {
    if (unknownTypes === 'accept') return undefined;
    const known = Object.keys(validators).join(', ');
    throw new AppError('unknown-type', `type must be one of ${known}, got ${quoted(type)}`);
  }
  const version = dataschema === undefined ? newest(versions) : versionIn(dataschema, type);
  const validator = version !== undefined && Object.hasOwn(versions, version) ? versions[version] : undefined;
  if (validator === undefined) {
    const known = Object.keys(versions).map((name) => `${type}/${name}`);
    throw new AppError(
      'schema-violation',
      `dataschema must end with one of ${known.join(', ')}, got ${quoted(dataschema)}`,
    );
  }
  return { name: `${type}/${version}`, validator };
}

function checkData(data: unknown, { name, validator }: Schema): void {
  if (data !== undefined && validator(data)) return;
  throw violation(data, validator.errors?.[0], `schema ${name}`);
}

/** `data/source/size must be integer, got a string of 2 characters`. */
function violation(data: unknown, error: SchemaError | undefined, schema: string): AppError {
  const because = (message: string, found?: unknown): AppError =>
    new AppError('schema-violation', `${message} (${schema})`, { found });
  if (data === undefined) return because('data must be there, got nothing');
  if (error === undefined) return because('data must fit its schema');
  const { instancePath, keyword, params, message = keyword } = error;
  let value: unknown = data;
  for (const step of instancePath.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    value = (value as Record<string, unknown> | undefined)?.[name];
  }
  const allowed = keyword === 'enum' ? `must be one of ${JSON.stringify(params['allowedValues'])}` : message;
  const place = instancePath.length > MAX_PLACE ? `${instancePath.slice(0, MAX_PLACE)}…` : instancePath;
  return because(`data${place} ${allowed}, got ${describe(value)}`, value);
}

function versionIn(dataschema: string, type: string): string | undefined {
  const path = dataschema.replace(/[?#].*$/s, '').replace(/\.json$/, '');
  const cut = path.lastIndexOf('/');
  const folder = path.slice(0, Math.max(cut, 0));
  return folder === type || folder.endsWith(`/${type}`) ? path.slice(cut + 1) : undefined;
}

/** The newest of versions such as `1`, `2` and `10`, or `1.2`, compared numerically part by part. */
function newest(versions: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(versions)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { readSchemas, type SchemaFile } from './compile.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const EVENT_TYPES = fileURLToPath(new URL('../shared/events/event-data.ts', import.meta.url));

type Schema = Readonly<Record<string, unknown>>;

/**
 * Generates the `types.ts` of a folder of schemas: one interface for each version of each type, and the declaration
 * that makes `CloudEvent<'type'>['data']` the union of its versions. Throws if a schema is not JSON or refers to
 * another file.
 */
export async function eventTypesSource(folder: string): Promise<string> {
  const files = readSchemas(folder);
  const names = typeNames(files);
  const types: string[] = [];
  for (const file of files) {
    const path = `schemas/${file.type}/${file.version}.json`;
    try {
      types.push(await typeOf(file, names.get(file)!));
    } catch (cause) {
      throw new Error(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }
  const versions = new Map<string, string[]>();
  for (const file of files) {
    versions.set(file.type, [...(versions.get(file.type) ?? []), names.get(file)!]);
  }
  const members = [...versions].map(([type, own]) => `    ${propertyOf(type)}: ${own.join(' | ')};`);
  const target = relative(resolve(folder), EVENT_TYPES).replaceAll('\\', '/');
  return [
    '// Written by `npm run schemas:types` from the JSON Schemas beside it: changes here are lost.\n',
    ...types,
    `declare module '${target}' {\n  interface EventTypes {\n${members.join('\n')}\n  }\n}\n`,
  ].join('\n');
}

/** Names of the interfaces: `VideoNoMoment1` for version 1 of `video.no-moment`. */
function typeNames(files: readonly SchemaFile[]): Map<SchemaFile, string> {
  const taken = new Set<string>();
  const names = new Map<SchemaFile, string>();
  for (const file of files) {
    const base = pascal(`${file.type} ${file.version}`);
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}_${count}`;
    taken.add(name);
    names.set(file, name);
  }
  return names;
}

function propertyOf(type: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(type) ? type : `'${type.replaceAll(/[\\']/g, '\\$&')}'`;
}

function pascal(text: string): string {
  const parts = text.split(/[^a-zA-Z0-9]+/).filter((part) => part !== '');
  const name = parts.map((part) => part[0]!.toUpperCase() + part.slice(1)).join('');
  return /^[0-9]/.test(name) ? `Event${name}` : name;
}

function typeOf({ type, version, schema }: SchemaFile, name: string): Promise<string> {
  return compile(named(schema, name) as JSONSchema, name, {
    cwd: join('/', 'nowhere', type, version),
    $refOptions: { resolve: { file: false, http: false } },
    bannerComment: '',
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, printWidth: 110 },
  });
}

/** Keywords whose value maps names to schemas. */
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/** Replaces titles: they would become type names, and many schemas share them. Definitions get unique names. */
function named(schema: Schema, name: string): Schema {
  const definitions = ['$defs', 'definitions'].flatMap((key) =>
    schema[key] === undefined ? [] : [[key, titled(schema[key] as Record<string, Schema>, name)]],
  );
  const { $id: _, ...rest } = withoutTitles(schema);
  return { ...rest, ...Object.fromEntries(definitions), title: name };
}

function titled(definitions: Readonly<Record<string, Schema>>, name: string): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(definitions).map(([key, schema]) => [
      key,
      { ...withoutTitles(schema), title: `${name}${pascal(key)}` },
    ]),
  );
}

function withoutTitles(schema: Schema): Schema {
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean);
    return typeof value === 'object' && value !== null ? withoutTitles(value as Schema) : value;
  };
  const entries = Object.entries(schema).filter(([key]) => key !== 'title');
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (['enum', 'const', 'default', 'examples'].includes(key)) return [key, value];
      if (!MAPS.has(key) || typeof value !== 'object' || value === null) return [key, clean(value)];
      return [key, Object.fromEntries(Object.entries(value).map(([one, inner]) => [one, clean(inner)]))];
    }),
  );
}

const USAGE = `usage: npm run schemas:types -- [--check] [folder ...]

Writes types.ts, the TypeScript types of the events' data, into each folder of schemas (default: schemas/). With
--check it writes nothing. Exit code: 0 all written or current, 1 some are not current, 2 an invalid schema or wrong
usage.
`;

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  let stale = 0;
  for (const folder of positionals.length > 0 ? positionals : [here]) {
    const path = join(resolve(folder), 'types.ts');
    const source = await eventTypesSource(folder);
    const isCurrent = existsSync(path) && readFileSync(path, 'utf8') === source;
    const shown = relative(process.cwd(), path);
    if (isCurrent) process.stdout.write(`${shown} is current\n`);
    else if (values.check) process.stdout.write(`${shown} must be written anew: npm run schemas:types\n`);
    else {
      writeFileSync(path, source);
      process.stdout.write(`${shown} written\n`);
    }
    if (!isCurrent) stale++;
  }
  return values.check && stale > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { describe } from '../shared/core/json-value.ts';
import { parseRfc3339 } from '../shared/core/rfc3339.ts';
import type { Validator, Validators } from '../shared/events/validate.ts';

export interface SchemaFile {
  type: string;
  version: string;
  schema: Record<string, unknown>;
}

const here = fileURLToPath(new URL('.', import.meta.url));

/** Folders with schemas for an app's events: the core's, its own, and those of the apps that it includes. */
export function schemaFolders({ schemas = [] }: { schemas?: readonly string[] | undefined } = {}): string[] {
  const own = schemas.map((folder) => (folder.startsWith('file:') ? fileURLToPath(folder) : folder));
  return [...new Set([here, ...own].map((folder) => resolve(folder)))];
}

/** Reads the files `<type>/<version>.json` below the folders, by default this one. Throws if one is not JSON. */
export function readSchemas(folders: string | readonly string[] = here): SchemaFile[] {
  return [folders].flat().flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap(({ name: type }) =>
        readdirSync(`${folder}/${type}`)
          .filter((file) => file.endsWith('.json'))
          .sort()
          .map((file) => {
            const version = file.slice(0, -'.json'.length);
            const text = readFileSync(`${folder}/${type}/${file}`, 'utf8');
            return { type, version, schema: naming({ type, version }, () => parseSchema(text)) };
          }),
      ),
  );
}

/** Compiles validators as functions, for runs without a bundle. */
export function compileValidators(schemas: readonly SchemaFile[] = readSchemas()): Validators {
  const ajv = newAjv();
  return byType(schemas, ({ schema }) => ajv.compile(schema) as Validator);
}

/** Compiles validators to the source of a module, so that the deployment compiles nothing and contains no ajv. */
export function validatorsSource(schemas: readonly SchemaFile[] = readSchemas()): string {
  const ajv = newAjv();
  const exported: Record<string, string> = {};
  const names = byType(schemas, ({ schema }) => {
    const name = `v${Object.keys(exported).length}`;
    ajv.addSchema(schema, name);
    // compiles the schema now, so that errors name this file
    ajv.getSchema(name);
    exported[name] = name;
    return name;
  });
  const generate = (standalone as unknown as { default: typeof standalone.default }).default;
  const table = Object.entries(names).map(([type, versions]) => {
    const members = Object.entries(versions).map(([version, name]) => `${JSON.stringify(version)}: ${name}`);
    return `${JSON.stringify(type)}: { ${members.join(', ')} }`;
  });
  const code = generate(ajv, exported);
  return `${code}\nexport const validators = { ${table.join(', ')} };\nexport const validatorsOf = () => validators;\n`;
}

const FORMATS: Readonly<Record<string, RegExp | ((text: string) => boolean)>> = {
  'date-time': (text) => parseRfc3339(text) !== undefined,
  date: (text) => parseRfc3339(`${text}T00:00:00Z`) !== undefined,
  email: /^[^\s@]{1,64}@[^\s@]{1,253}$/,
  uri: (text) => URL.canParse(text),
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
};

/** Making one takes longer than compiling a schema. */
let lenient: Ajv2020 | undefined;

/**
 * A validator that reports everything that is wrong, for people who write events by hand. It checks the usual formats,
 * and none that it does not know. Throws if the schema is invalid.
 */
export function compileForForms(schema: Readonly<Record<string, unknown>>): Validator {
  lenient ??= new Ajv2020({
    ...{ strict: false, allErrors: true, logger: false, formats: FORMATS },
    addUsedSchema: false,
  });
  return lenient.compile(schema) as Validator;
}

function newAjv(): Ajv2020 {
  // formats are not checked, since that would need code at run time; those named here give typed views their columns
  const formats = { 'date-time': true, date: true, decimal: true } as const;
  return new Ajv2020({ strict: true, formats, code: { source: true, esm: true } });
}

function byType<T>(
  schemas: readonly SchemaFile[],
  make: (file: SchemaFile) => T,
): Record<string, Record<string, T>> {
  const made: Record<string, Record<string, T>> = Object.create(null);
  for (const file of schemas) {
    made[file.type] ??= Object.create(null) as Record<string, T>;
    made[file.type]![file.version] = naming(file, () => {
      if (made[file.type]![file.version] !== undefined) throw new Error('must be in one folder, got two');
      return make(file);
    });
  }
  return made;
}

function parseSchema(text: string): Record<string, unknown> {
  const schema: unknown = JSON.parse(text);
  if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) {
    return schema as Record<string, unknown>;
  }
  throw new Error(`schema must be a JSON object, got ${describe(schema)}`);
}

/** Runs `work` and prefixes its errors with the file's name. */
function naming<T>({ type, version }: Pick<SchemaFile, 'type' | 'version'>, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`schemas/${type}/${version}.json: ${reason}`, { cause });
  }
}

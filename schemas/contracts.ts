import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from '../shared/core/json-value.ts';
import { compileValidators, readSchemas, type SchemaFile, schemaFolders } from './compile.ts';
import { missingGuarantee } from './guarantee.ts';

/** What a consumer relies on in the data of a type of event: `contracts/<consumer>/<type>.json` of an app. */
export interface Contract {
  /** Name of the function. */
  consumer: string;
  type: string;
  /** Relative to the folder of contracts. */
  path: string;
  /** Types of fields by JSON Pointer, with `*` for each element of an array; `string?` may be absent. */
  reads: Readonly<Record<string, string>>;
  /** Data that the consumer accepts. */
  example: unknown;
}

/** Reads all contracts of a folder; none if there is no such folder. Throws with the path of one that is malformed. */
export function readContracts(folder: string): Contract[] {
  if (!existsSync(folder)) return [];
  return foldersIn(folder).flatMap((consumer) =>
    readdirSync(join(folder, consumer))
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => {
        const path = `${consumer}/${file}`;
        try {
          const parsed: unknown = JSON.parse(readFileSync(join(folder, path), 'utf8'));
          return { consumer, type: file.slice(0, -'.json'.length), path, ...checked(parsed) };
        } catch (cause) {
          throw new Error(`contracts/${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
            cause,
          });
        }
      }),
  );
}

/**
 * Says what a contract's consumer could no longer rely on: each version of the type must guarantee every field, and the
 * example must be valid in one of them at least. Every sentence names the consumer.
 */
export function contractFaults(
  { consumer, type, reads, example }: Contract,
  schemas: readonly SchemaFile[],
): string[] {
  const versions = schemas.filter((one) => one.type === type);
  if (versions.length === 0) return [`${consumer} reads ${type}, which has no schema`];
  const missing = versions.flatMap(({ version, schema }) =>
    Object.entries(reads).flatMap(([path, wanted]) => {
      const why = missingGuarantee(schema, path, wanted);
      return why === undefined
        ? []
        : [`${consumer} reads ${path || 'all'} of ${type}, version ${version}: ${why}`];
    }),
  );
  const validators = Object.values(compileValidators(versions)[type] ?? {});
  const isValid = validators.some((validate) => validate(example));
  return [...missing, ...(isValid ? [] : [`${consumer} has an example of ${type} that no version accepts`])];
}

/** An app's contracts and what is wrong with them, in its own schemas and the core's. `dir` is the app's folder. */
export function checkContracts(dir: string): { checked: number; faults: string[] } {
  const contracts = readContracts(join(dir, 'contracts'));
  const own = join(dir, 'schemas');
  const schemas = readSchemas(schemaFolders({ schemas: existsSync(own) ? [own] : [] }));
  return { checked: contracts.length, faults: contracts.flatMap((one) => contractFaults(one, schemas)) };
}

function checked(value: unknown): Pick<Contract, 'reads' | 'example'> {
  const { reads, example, ...others } = isJsonObject(value) ? value : {};
  const strangers = Object.keys(others);
  if (strangers.length > 0)
    throw new Error(`it must have reads and example only, got ${strangers.join(', ')}`);
  if (!isJsonObject(reads) || Object.values(reads).some((type) => typeof type !== 'string')) {
    throw new Error('reads must be an object of types by JSON Pointer');
  }
  if (example === undefined) throw new Error('it must have an example');
  return { reads: reads as Record<string, string>, example };
}

export function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

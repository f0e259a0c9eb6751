import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A type in Terraform's own notation, such as `"string"` or `["list","string"]`. */
type Type = string | [string, Type];

export interface Block {
  attributes: Record<string, { type: Type; required?: true }>;
  /** `most` is undefined for any number. */
  blocks: Record<string, { least?: number; most?: number; block: Block }>;
}

export interface Schema {
  provider: string;
  version: string;
  resources: Record<string, Block>;
}

const FILE = fileURLToPath(new URL('../fixtures/terraform/google.json', import.meta.url));

/** What the provider of this version accepts, for the types of resources that are written. */
export const committedSchema = (): Schema => JSON.parse(readFileSync(FILE, 'utf8')) as Schema;

export const commitSchema = (schema: Schema): void => writeFileSync(FILE, `${JSON.stringify(schema)}\n`);

/**
 * The schema of these types.
 * @param given the output of `terraform providers schema -json`
 * @param file the provider's file, which ends with its version
 */
export function schemaOf(given: string, file: string, types: readonly string[]): Schema {
  const { provider_schemas: all } = JSON.parse(given) as {
    provider_schemas: Record<string, { resource_schemas: Record<string, { block: GivenBlock }> }>;
  };
  const [name = ''] = Object.keys(all).filter((one) => one.endsWith('/hashicorp/google'));
  const blocks = all[name]?.resource_schemas ?? {};
  return {
    provider: 'hashicorp/google',
    version: /_v([\d.]+)$/.exec(file)?.[1] ?? '',
    resources: Object.fromEntries(
      [...types].sort().map((type) => [type, settable(blocks[type]?.block ?? {})]),
    ),
  };
}

/** The parts of `terraform providers schema -json` that are read. */
interface GivenBlock {
  attributes?: Record<string, { type: Type; required?: boolean; optional?: boolean }>;
  block_types?: Record<string, { min_items?: number; max_items?: number; block: GivenBlock }>;
}

/** Without what cannot be set, and without descriptions. */
function settable({ attributes = {}, block_types = {} }: GivenBlock): Block {
  const kept = Object.entries(attributes).filter(([, { required, optional }]) => required || optional);
  const blocks = Object.entries(block_types).filter(([name]) => name !== 'timeouts');
  return {
    attributes: Object.fromEntries(
      kept.map(([name, { type, required }]) => [
        name,
        { type, ...(required && { required: true as const }) },
      ]),
    ),
    blocks: Object.fromEntries(
      blocks.map(([name, { min_items, max_items, block }]) => [
        name,
        {
          ...(min_items && { least: min_items }),
          ...(max_items && { most: max_items }),
          block: settable(block),
        },
      ]),
    ),
  };
}

const META = ['depends_on', 'lifecycle', 'provisioner'];

/** What Terraform would refuse in a resource's body: unknown names, missing ones, and values of another type. */
export function faultsOf(body: unknown, { attributes, blocks }: Block, path: string): string[] {
  if (typeof body !== 'object' || body === null) return [`${path} must be an object`];
  const given = body as Record<string, unknown>;
  const known = new Set([...Object.keys(attributes), ...Object.keys(blocks), ...META]);
  return [
    ...Object.keys(given)
      .filter((key) => !known.has(key))
      .map((key) => `${path}.${key} is not known`),
    ...Object.entries(attributes).flatMap(([name, { type, required }]) => {
      const value = given[name];
      if (value === undefined) return required ? [`${path}.${name} is missing`] : [];
      return isOf(value, type) ? [] : [`${path}.${name} must be ${JSON.stringify(type)}`];
    }),
    ...Object.entries(blocks).flatMap(([name, { least = 0, most = Number.POSITIVE_INFINITY, block }]) => {
      const value = given[name];
      const all = value === undefined ? [] : Array.isArray(value) ? value : [value];
      return [
        ...(all.length < least || all.length > most ? [`${path}.${name} is given ${all.length} times`] : []),
        ...all.flatMap((one) => faultsOf(one, block, `${path}.${name}`)),
      ];
    }),
  ];
}

function isOf(value: unknown, type: Type): boolean {
  // an expression has the type of its value
  if (typeof value === 'string' && value.startsWith('${')) return true;
  if (typeof type === 'string')
    return type === 'dynamic' || typeof value === (type === 'bool' ? 'boolean' : type);
  const [kind, of] = type;
  if (kind === 'map') {
    return typeof value === 'object' && value !== null && Object.values(value).every((one) => isOf(one, of));
  }
  return Array.isArray(value) && value.every((one) => isOf(one, of));
}

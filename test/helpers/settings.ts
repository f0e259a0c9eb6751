import { readdirSync } from 'node:fs';
import { type Env, EnvReader } from '../../shared/core/config.ts';
import { AppError } from '../../shared/core/errors.ts';

/** A setting as the code reads it. */
export interface Setting {
  name: string;
  /** `required`, a value in backquotes, or empty. */
  fallback: string;
  /** `1 to 20`, a list of values, or empty. */
  allowed: string;
}

const quoted = (value: string): string => (value === '' ? '' : `\`${value}\``);
const number = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 20 });
const range = ({ min, max }: { min: number; max: number }): string => `${number(min)} to ${number(max)}`;

type Describe = (...args: never[]) => Omit<Setting, 'name'>;

/** Every way to read a variable, with what it says about it. */
const READS: Record<string, Describe> = {
  required: () => ({ fallback: 'required', allowed: '' }),
  optional: () => ({ fallback: '', allowed: '' }),
  topic: () => ({ fallback: '', allowed: '' }),
  string: (_name: string, fallback: string) => ({ fallback: quoted(fallback), allowed: '' }),
  number: (_name: string, fallback: number, bounds: { min: number; max: number }) => ({
    fallback: number(fallback),
    allowed: range(bounds),
  }),
  integer: (_name: string, fallback: number, bounds: { min: number; max: number }) => ({
    fallback: number(fallback),
    allowed: range(bounds),
  }),
  oneOf: (_name: string, allowed: readonly string[], fallback: string) => ({
    fallback: quoted(fallback),
    allowed: allowed.map(quoted).join(', '),
  }),
  boolean: (_name: string, fallback: boolean) => ({
    fallback: quoted(String(fallback)),
    allowed: '`true`, `false`',
  }),
};

type Parse = (env: Env) => unknown;

/** The `parse…Config` of every `functions/<function>/config.ts`. */
async function parsers(): Promise<Parse[]> {
  const functions = new URL('../../functions/', import.meta.url);
  const files = readdirSync(functions, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(^|\/)config\.ts$/.test(file),
  );
  const modules = await Promise.all(
    files.map((file) => import(new URL(file, functions).href) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((module) =>
    Object.entries(module).flatMap(([name, value]) =>
      /^parse\w*Config$/.test(name) ? [value as Parse] : [],
    ),
  );
}

/**
 * Runs the functions' own parsers and notes every variable that they read, with its default and its bounds. The
 * most telling read of a variable counts: several functions look at a name that only one of them requires.
 */
export async function readSettings(): Promise<Map<string, Setting>> {
  const all = await parsers();
  const settings = new Map<string, Setting>();
  const note = (name: string, read: Omit<Setting, 'name'>): void => {
    const known = settings.get(name);
    const says = (one: Omit<Setting, 'name'>): number => one.fallback.length + one.allowed.length;
    if (!known || says(read) > says(known)) settings.set(name, { name, ...read });
  };
  const prototype = EnvReader.prototype as unknown as Record<string, (...args: never[]) => unknown>;
  const unknown = Object.getOwnPropertyNames(prototype).filter(
    (name) => !['constructor', 'mistake', 'finish', ...Object.keys(READS)].includes(name),
  );
  if (unknown.length > 0) throw new Error(`EnvReader has methods that are not observed: ${unknown}`);
  const originals = new Map(Object.keys(READS).map((read) => [read, prototype[read]!]));
  let depth = 0;
  for (const [read, original] of originals) {
    prototype[read] = function observed(this: EnvReader, ...args: never[]) {
      // one read calls another: the outermost knows the bounds
      if (depth === 0) note(args[0] as unknown as string, READS[read]!(...args));
      depth++;
      try {
        return original.apply(this, args);
      } finally {
        depth--;
      }
    };
  }
  try {
    for (const parse of all) {
      try {
        parse({});
      } catch (error) {
        // thrown when everything has been read: the required ones are missing
        if (!(error instanceof AppError)) throw error;
      }
    }
  } finally {
    for (const [read, original] of originals) prototype[read] = original;
  }
  return settings;
}

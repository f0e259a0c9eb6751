import { AppError } from './errors.ts';
import type { Env, Setting, Settings, ValuesOf } from './settings.ts';

/** Longest part of a bad value that a message shows. */
const SHOWN = 80;

/**
 * A rule about several settings at once. It gets the values that are good; the others are undefined. Returns its
 * mistakes as messages.
 */
export type Check<Declared extends Settings> = (values: Partial<ValuesOf<Declared>>) => readonly string[];

/**
 * Reads what is declared; pure. A variable that is empty, or blank, counts as not set. Throws one
 * `invalid-config` that lists every bad variable.
 *
 * @example
 * const { MAX_BYTES } = readSettings({ MAX_BYTES: integer({ min: 1, max: 100, default: 10, doc: '…' }) }, env);
 */
export function readSettings<Declared extends Settings>(
  declared: Declared,
  env: Env,
  ...checks: Check<NoInfer<Declared>>[]
): ValuesOf<Declared> {
  const mistakes: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(declared)) {
    const reading = readOne(name, setting, env);
    if (reading.kind === 'good') values[name] = reading.value;
    else mistakes.push(reading.mistake);
  }
  // each value was made by the setting of its name
  const read = values as ValuesOf<Declared>;
  mistakes.push(...checks.flatMap((check) => check(read)));
  if (mistakes.length > 0) throw new AppError('invalid-config', `configuration: ${mistakes.join('; ')}`);
  return read;
}

export type Reading = { kind: 'good'; value: unknown } | { kind: 'bad'; mistake: string };

/** One variable. A mistake reads `NAME must be Z, got Y`. */
export function readOne(name: string, setting: Setting<unknown>, env: Env): Reading {
  const found = env[name]?.trim();
  if (!found) {
    return setting.required
      ? { kind: 'bad', mistake: `${name} must be set` }
      : { kind: 'good', value: setting.default };
  }
  const value = setting.parse(found, env);
  if (value !== undefined) return { kind: 'good', value };
  const got = setting.secret ? 'another value' : quoted(found);
  return { kind: 'bad', mistake: `${name} must be ${setting.mustBe}, got ${got}` };
}

function quoted(found: string): string {
  return JSON.stringify(found.length > SHOWN ? `${found.slice(0, SHOWN)}…` : found);
}

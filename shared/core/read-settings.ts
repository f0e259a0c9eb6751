import { AppError } from './errors.ts';
import type { Env, Setting, Settings, ValuesOf } from './settings.ts';

/** An `invalid-config` that lists every bad variable. */
export class SettingsError extends AppError {
  constructor(readonly mistakes: readonly string[]) {
    super('invalid-config', `configuration: ${mistakes.join('; ')}`);
  }
}

/** Characters of a bad value that a message shows. */
const SHOWN = 80;

/**
 * A rule across several settings. It receives the valid values, with undefined for the others, and returns its
 * mistakes as messages.
 */
export type Check<Declared extends Settings> = (values: Partial<ValuesOf<Declared>>) => readonly string[];

/**
 * Reads the declared settings; pure. An empty or blank variable counts as not set. Throws one SettingsError.
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
  // each value was parsed by the setting of its name
  const read = values as ValuesOf<Declared>;
  mistakes.push(...checks.flatMap((check) => check(read)));
  if (mistakes.length > 0) throw new SettingsError(mistakes);
  return read;
}

export type Reading = { kind: 'good'; value: unknown } | { kind: 'bad'; mistake: string };

/** Reads one variable. A mistake reads `NAME must be Z, got Y`. */
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

import { nearest } from '../core/nearest.ts';
import { readOne } from '../core/read-settings.ts';
import type { Env, Setting, Settings } from '../core/settings.ts';
import { admissionSettings } from './admission-settings.ts';
import type { App } from './define-app.ts';
import type { FunctionDefinition } from './define-function.ts';
import { serviceSettings } from './service-settings.ts';

type Declaring = Pick<FunctionDefinition, 'settings'>;
type Sets = Pick<App, 'functions' | 'buckets' | 'topics'>;

/** A variable of an app, merged over all functions that read it. */
export interface AppSetting {
  name: string;
  setting: Setting<unknown>;
  /** Names of functions, in the app's order. */
  readers: readonly string[];
  requiredBy: readonly string[];
}

/**
 * Everything that one function reads: its declared settings, and those of its wiring and of the server in front of
 * it.
 */
export function settingsOf({ settings }: Declaring): Settings {
  return { ...admissionSettings, ...serviceSettings, ...settings };
}

/** The app's variables, in the order in which its functions declare them. */
export function appSettings({ functions }: Pick<App, 'functions'>): AppSetting[] {
  const found = new Map<string, AppSetting & { readers: string[]; requiredBy: string[] }>();
  for (const one of functions) {
    for (const [name, setting] of Object.entries(settingsOf(one))) {
      const known = found.get(name) ?? { name, setting, readers: [], requiredBy: [] };
      known.readers.push(one.name);
      if (setting.required) known.requiredBy.push(one.name);
      found.set(name, known);
    }
  }
  return [...found.values()];
}

/** Environment variables that hold the names of the app's buckets and topics, by their key. */
export function placeVariables({ buckets, topics }: Pick<App, 'buckets' | 'topics'>): Map<string, string> {
  const places = [...Object.entries(buckets), ...Object.entries(topics)];
  return new Map(places.flatMap(([key, { env }]) => (env === undefined ? [] : [[env, key] as const])));
}

/** Settings that an operator may write down: neither secrets nor those that the deployment sets. */
export function operatorSettings(app: Sets): AppSetting[] {
  const places = placeVariables(app);
  return appSettings(app).filter(
    ({ name, setting }) => setting.setBy === undefined && !setting.secret && !places.has(name),
  );
}

/** Says which settings an operator must still write down; `env` holds those that there are. */
export function missingSettings(app: Sets, env: Env): string[] {
  return operatorSettings(app)
    .filter(({ name, requiredBy }) => requiredBy.length > 0 && !env[name]?.trim())
    .map(
      ({ name, setting, requiredBy }) => `${name} must be ${setting.mustBe}, for ${requiredBy.join(', ')}`,
    );
}

export interface DeclaredSecret {
  name: string;
  required: boolean;
  /** Path of the file that it is mounted as; undefined for a variable. */
  file?: string;
}

/** Secrets of a function: those it lists, as variables or files, and settings declared as secret. */
export function secretsOf({
  settings,
  secrets,
  secretFiles,
}: Pick<FunctionDefinition, 'settings' | 'secrets' | 'secretFiles'>): DeclaredSecret[] {
  const declared = Object.entries(settings).filter(([, { secret }]) => secret);
  return [
    ...secrets.map((name) => ({ name, required: true })),
    ...declared.map(([name, { required }]) => ({ name, required })),
    ...secretFiles.map((name) => ({ name, required: true, file: secretFile(name) })),
  ];
}

/** Path of a secret that is mounted as a file. Cloud Run mounts each secret in a folder of its own. */
export const secretFile = (name: string): string => `/secrets/${name}/value`;

/**
 * Says what is wrong with a variable that an operator wrote down for this app; undefined if nothing is. Functions
 * check rules across several settings themselves. `env` holds the other variables, for values that depend on them.
 */
export function operatorMistake(app: Sets, name: string, env: Env): string | undefined {
  if (placeVariables(app).has(name)) return `${name} is set by the deployment`;
  if (app.functions.some((one) => secretsOf(one).some((secret) => secret.name === name))) {
    return `${name} is a secret, not a setting`;
  }
  const known = appSettings(app).find((one) => one.name === name)?.setting;
  if (known?.setBy !== undefined)
    return `${name} is set by ${known.setBy === 'deployment' ? 'the deployment' : known.setBy} only`;
  if (known === undefined) {
    const similar = nearest(
      name,
      operatorSettings(app).map((one) => one.name),
    );
    return `no function has a setting ${name}${similar === undefined ? '' : `; did you mean ${similar}?`}`;
  }
  const reading = readOne(name, known, env);
  return reading.kind === 'bad' ? reading.mistake : undefined;
}

/** The subset of `env` that an operator may set for one function. */
export function pickSettings(app: Sets, definition: Declaring, env: Env): Record<string, string> {
  const own = settingsOf(definition);
  const picked = operatorSettings(app).flatMap(({ name }) => {
    const value = env[name];
    return Object.hasOwn(own, name) && value !== undefined ? [[name, value] as const] : [];
  });
  return Object.fromEntries(picked);
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, quoted } from '../cli/common/options.ts';
import {
  appSettings,
  operatorMistake,
  operatorSettings,
  pickSettings,
  secretsOf,
} from '../shared/app/app-settings.ts';
import type { App } from '../shared/app/define-app.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import { nearest } from '../shared/core/nearest.ts';
import type { Env } from '../shared/core/settings.ts';
import { readSettingLines } from './settings-file.ts';

/** Ignored by git. */
export const SECRETS_FILE = fileURLToPath(new URL('../.secrets.env', import.meta.url));
/** Folder of the secrets that are files, each under its name. Ignored by git, too. */
const SECRETS_DIR = fileURLToPath(new URL('../.secrets', import.meta.url));

/** Variables from which Google's clients take credentials and billing: for functions that use the real Gemini. */
export const CREDENTIALS = [
  'GOOGLE_APPLICATION_CREDENTIALS',
  'GOOGLE_CLOUD_PROJECT',
  'GOOGLE_CLOUD_QUOTA_PROJECT',
  'CLOUDSDK_CONFIG',
];

/**
 * Warnings about shell variables that no function declares but whose names nearly match a declared one. Only
 * warnings, because the variables may belong to something else.
 */
export function mistypedSettings(app: App, shell: Env): string[] {
  const names = operatorSettings(app).map(({ name }) => name);
  const secrets = app.functions.flatMap((one) => secretsOf(one).map(({ name }) => name));
  const known = new Set([...names, ...secrets, ...appSettings(app).map(({ name }) => name), ...CREDENTIALS]);
  return Object.keys(shell)
    .filter((name) => !known.has(name) && shell[name])
    .flatMap((name) => {
      const meant = nearest(name, names, 1);
      return meant === undefined ? [] : [`${name} is not a setting of any function; did you mean ${meant}?`];
    });
}

/**
 * Settings for the functions of an app. `given` was written for it, so an undeclared name there is a mistake.
 * `shell` is the surrounding environment: only declared variables are taken from it. Throws one Failure that lists
 * every mistake.
 */
export function localSettings(app: App, { given, shell }: { given: Env; shell: Env }): Env {
  const names = operatorSettings(app).map(({ name }) => name);
  const ambient = Object.fromEntries(names.flatMap((name) => (shell[name] ? [[name, shell[name]]] : [])));
  const settings: Env = { ...ambient, ...given };
  // topics may have short names here
  const env = { GOOGLE_CLOUD_PROJECT: 'local', ...settings };
  const mistakes = Object.keys(settings).flatMap((name) => operatorMistake(app, name, env) ?? []);
  if (mistakes.length > 0) throw new Failure(`settings: ${mistakes.join('; ')}`);
  return settings;
}

/** Secrets of all functions of an app that the operator gave, by name. */
export function givenSecrets(
  { functions }: App,
  { shell, secretsFile = SECRETS_FILE }: { shell: Env; secretsFile?: string | undefined },
): Env {
  return Object.assign({}, ...functions.map((one) => heldSecrets(one, shell, secretsFile)));
}

/**
 * The part of `settings` that a function declares, plus its credentials and its secrets. `provided` are settings and
 * secrets of local services, for what the operator did not give. Throws Failure.
 */
export function environmentOf(
  app: App,
  definition: FunctionDefinition,
  {
    settings,
    provided = {},
    shell,
    secretsFile = SECRETS_FILE,
    secretsDir = SECRETS_DIR,
  }: {
    settings: Env;
    provided?: Env;
    shell: Env;
    secretsFile?: string | undefined;
    secretsDir?: string | undefined;
  },
): Env {
  return {
    ...Object.fromEntries(CREDENTIALS.flatMap((name) => (shell[name] ? [[name, shell[name]]] : []))),
    ...pickSettings(app, definition, { ...provided, ...settings }),
    ...secretValues(definition, {
      provided,
      held: heldSecrets(definition, shell, secretsFile),
      file: secretsFile,
    }),
    ...secretFiles(definition, secretsDir),
  };
}

/** Variables with the paths of the files. Throws Failure if one is missing. */
function secretFiles({ name: reader, secretFiles }: FunctionDefinition, dir: string): Record<string, string> {
  const files = secretFiles.map((name) => [name, join(dir, name)] as const);
  const missing = files.find(([, path]) => !existsSync(path));
  if (missing !== undefined) {
    throw new Failure(
      `${reader} needs the secret ${missing[0]}: write it to ${quoted(missing[1])}, which Git ignores`,
    );
  }
  return Object.fromEntries(files.map(([name, path]) => [`${name}_FILE`, path]));
}

/** Secrets of the file, plus optional ones of the shell. */
function heldSecrets(definition: FunctionDefinition, shell: Env, file: string): Env {
  const wanted = variableSecrets(definition);
  if (wanted.length === 0) return {};
  const lines = existsSync(file) ? readSettingLines(file) : [];
  const held = new Map(lines.map((line) => [line.name, line.value.trim()]));
  return Object.fromEntries(
    wanted.flatMap(({ name, required }) => {
      const value = held.get(name) || (required ? undefined : shell[name]);
      return value ? [[name, value]] : [];
    }),
  );
}

/** Throws Failure if a required one is missing. */
function secretValues(
  definition: FunctionDefinition,
  { provided, held, file }: { provided: Env; held: Env; file: string },
): Env {
  const wanted = variableSecrets(definition);
  const values = { ...provided, ...held };
  const missing = wanted.filter(({ name, required }) => required && !values[name]).map(({ name }) => name);
  if (missing.length > 0) {
    throw new Failure(
      `${definition.name} needs the secret ${missing.join(', ')}: add a line ${missing[0]}=… to ${quoted(file)}, which Git ignores`,
    );
  }
  return Object.fromEntries(wanted.flatMap(({ name }) => (values[name] ? [[name, values[name]]] : [])));
}

const variableSecrets = (definition: FunctionDefinition) =>
  secretsOf(definition).filter(({ file }) => file === undefined);

/** Settings of a file such as deploy.env; none if there is no file. Throws Failure. */
export function settingsOfFile(file: string | undefined): Record<string, string> {
  if (file === undefined) return {};
  if (!existsSync(file))
    throw new Failure(`--settings must be a file of NAME=value lines, got ${quoted(file)}`);
  return Object.fromEntries(readSettingLines(file).map(({ name, value }) => [name, value]));
}

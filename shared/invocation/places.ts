import type { App } from '../app/define-app.ts';
import { AppError } from '../core/errors.ts';
import { quoted } from '../core/json-value.ts';
import type { Env } from '../core/settings.ts';
import type { ObjectStore, Storage } from '../storage/object-store.ts';

/** An app, and the environment with the names of its buckets and topics. */
export interface Places {
  app: Pick<App, 'buckets' | 'topics'>;
  env: Env;
}

/**
 * A bucket of the app, by its key. Throws `invalid-config` if the app lacks it, or the environment does not name
 * it.
 */
export function bucketOf(
  { storage, app: { buckets }, env }: Places & { storage: Storage },
  key: string,
): ObjectStore {
  return storage.bucket(nameOf('bucket', buckets, env, key));
}

/**
 * The name of a topic of the app, by its key. Throws `invalid-config` if the app lacks it, or the environment does
 * not name it.
 */
export function topicNamed({ app: { topics }, env }: Places, key: string): string {
  return nameOf('topic', topics, env, key);
}

/** Topics named in the environment, by their keys in the app. */
export function topicsOf({ app, env }: Places): Record<string, string> {
  const named = Object.entries(app.topics).map(([key, { env: variable }]) => [key, textOf(variable, env)]);
  return Object.fromEntries(named.filter(([, name]) => name !== undefined));
}

function nameOf(
  what: string,
  declared: Readonly<Record<string, { env?: string }>>,
  env: Env,
  key: string,
): string {
  if (!Object.hasOwn(declared, key)) {
    const known = Object.keys(declared).join(', ') || 'none';
    throw new AppError('invalid-config', `${what} must be one of ${known}, got ${quoted(key)}`);
  }
  const variable = declared[key]!.env;
  const name = textOf(variable, env);
  if (name !== undefined) return name;
  throw new AppError('invalid-config', `configuration: ${variable ?? `env of ${what} ${key}`} must be set`);
}

function textOf(variable: string | undefined, env: Env): string | undefined {
  return variable === undefined ? undefined : env[variable]?.trim() || undefined;
}

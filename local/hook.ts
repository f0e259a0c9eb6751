import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Failure } from '../cli/common/options.ts';
import type { Env } from '../shared/core/settings.ts';
import type { Storage } from '../shared/storage/object-store.ts';
import type { Endpoints } from './cloud.ts';

/**
 * What the `local.ts` beside an app's `app.ts` may export, for local runs only: it is neither bundled nor deployed.
 *
 * @example
 * export const services: LocalServices = {
 *   async mail({ dir }) {
 *     const server = await startMailServer({ dir });
 *     return { env: { MAIL_URL: server.url }, shown: `${server.url}  (inbox)`, close: () => server.close() };
 *   },
 * };
 * export const demo: Demo = async ({ endpoints, until }) => {
 *   await fetch(`${endpoints.functions['createUser']}users`, { method: 'POST', body: '…' });
 *   await until('the mail is in the inbox', () => findMail());
 * };
 */
export interface LocalHook {
  services?: LocalServices;
  demo?: Demo;
}

/**
 * Stand-ins for services outside of the app, by name. They start before the functions, one after another, and close
 * after them in the opposite order. A starter that returns undefined leaves its service out, for instance because
 * the operator gave the address of a real one.
 */
export type LocalServices = Readonly<
  Record<string, (context: ServiceContext) => Promise<LocalService | undefined>>
>;

export interface ServiceContext {
  /** A private folder of the service below the local cloud's folder; the same in every run. */
  dir: string;
  /** Settings and secrets that the operator gave, and those of the services started before. */
  settings: Env;
}

export interface LocalService {
  /** Settings and secrets for the functions that declare them. What the operator gave has precedence. */
  env: Readonly<Record<string, string>>;
  /** Its address and use, as `npm start` lists it beside the functions. */
  shown: string;
  close(): Promise<void>;
}

/**
 * What `npm start` does if no files are given. A demo that throws has failed: with `--exit`, the exit code is then 1.
 */
export type Demo = (context: DemoContext) => Promise<void>;

export interface DemoContext {
  /** Addresses of the functions, with a slash at the end, and of the local cloud's parts. */
  endpoints: Endpoints;
  /** By name. */
  services: Readonly<Record<string, LocalService>>;
  /** The buckets of the local cloud, by their keys in the app: `storage.bucket('lake')`. */
  storage: Storage;
  /** Publishes JSON to a topic, by its key; resolves with the message's id. */
  publish(
    topic: string,
    data: unknown,
    options?: { attributes?: Readonly<Record<string, string>>; orderingKey?: string },
  ): Promise<string>;
  /** Prints a line after the time since the demo began. */
  print(line: string): void;
  /**
   * Calls `probe` until it returns something other than undefined and false, prints `what` and returns the value.
   * Throws if that takes longer than `timeoutMs`, by default 30,000.
   */
  until<T>(
    what: string,
    probe: () => T | undefined | false | Promise<T | undefined | false>,
    timeoutMs?: number,
  ): Promise<T>;
  /** Aborts when the local cloud ends. */
  signal: AbortSignal;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @param dir folder of the app, relative to the project. Throws Failure in one line. */
export async function loadHook(dir: string, root = ROOT): Promise<LocalHook> {
  const file = `${dir}/local.ts`;
  if (!existsSync(`${root}/${file}`)) return {};
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(`${root}/${file}`).href)) as Record<string, unknown>;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(`${file} cannot be loaded: ${why.split('\n')[0]}`, { cause: error });
  }
  const mistakes = mistakesOf(module);
  if (mistakes.length > 0) throw new Failure(`${file}: ${mistakes.join('; ')}`);
  return module as LocalHook;
}

function mistakesOf({ services, demo, ...others }: Record<string, unknown>): string[] {
  const names = Object.keys(others);
  const given = services === undefined ? [] : Object.entries(services as object);
  const isRecord = typeof services === 'object' && services !== null && !Array.isArray(services);
  return [
    ...(names.length > 0 ? [`it must export services and demo only, got ${names.join(', ')}`] : []),
    ...(services === undefined && demo === undefined && names.length === 0
      ? ['it must export services, demo or both, got nothing']
      : []),
    ...(services === undefined || isRecord ? [] : [`services must be an object, got ${kindOf(services)}`]),
    ...(isRecord ? given : []).flatMap(([name, start]) => [
      ...(/^[a-z][a-z0-9-]{0,39}$/.test(name)
        ? []
        : [
            `names of services must be at most 40 lower-case letters, digits and dashes, got ${JSON.stringify(name)}`,
          ]),
      ...(typeof start === 'function'
        ? []
        : [`services.${name} must be a function that starts it, got ${kindOf(start)}`]),
    ]),
    ...(demo === undefined || typeof demo === 'function'
      ? []
      : [`demo must be a function, got ${kindOf(demo)}`]),
  ];
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

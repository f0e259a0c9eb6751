import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printable } from '../../local/terminal-text.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import type { Storage } from '../../shared/storage/object-store.ts';
import { Failure, UsageError } from './options.ts';

export const SERVICE_OPTIONS = {
  local: { type: 'string' },
  cloud: { type: 'boolean', default: false },
} as const;

export const SERVICE_HELP = `  --local DIR        the local cloud that "npm start" runs in DIR (default: .local, if one runs there)
  --cloud            Google's Cloud Storage, even if a local cloud is running
  --help             show this help
`;

export interface ServiceOptions {
  local?: string | undefined;
  cloud: boolean;
}

/** Endpoints of the services that a command uses. */
export interface Service {
  /** Undefined for Google's own service. */
  storage: string | undefined;
  pubsub: string | undefined;
  /** Project of topics with short names: the local cloud's own, or GOOGLE_CLOUD_PROJECT. */
  project: string | undefined;
  /** Description of the service, for messages. */
  where: string;
  isLocal: boolean;
  /** Folder of the app that a local cloud runs; undefined if unknown. */
  app: string | undefined;
  /** Folder of the local cloud; undefined for other services. */
  dir?: string;
}

const LOCAL_PROJECT = 'local';
const LOCAL_DIR = fileURLToPath(new URL('../../.local', import.meta.url));

/**
 * Chooses the service: the first given of `--local`, `--cloud`, the endpoints in the environment, a local cloud
 * running in `.local`, and Google. Throws UsageError and Failure.
 */
export function findService(
  { local, cloud }: ServiceOptions,
  env: NodeJS.ProcessEnv,
  localDir = LOCAL_DIR,
): Service {
  if (local !== undefined && cloud) throw new UsageError('--local and --cloud cannot be combined');
  if (local === '') throw new UsageError('--local must be the folder of a local cloud, got ""');
  if (local !== undefined) return localService(local);
  const storage = env['STORAGE_API_ENDPOINT'] || undefined;
  const pubsub = env['PUBSUB_API_ENDPOINT'] || undefined;
  const project = env['GOOGLE_CLOUD_PROJECT'] || undefined;
  if (!cloud && (storage !== undefined || pubsub !== undefined)) {
    const where = storage === undefined ? 'Cloud Storage' : `STORAGE_API_ENDPOINT (${printable(storage)})`;
    const isLocal = storage !== undefined;
    const named = project ?? (isLocal ? LOCAL_PROJECT : undefined);
    return { storage, pubsub, project: named, where, isLocal, app: undefined };
  }
  if (!cloud && existsSync(join(localDir, 'endpoints.json'))) return localService(localDir);
  const google = { storage: undefined, pubsub: undefined, where: 'Cloud Storage', isLocal: false };
  return { ...google, project, app: undefined };
}

function localService(dir: string): Service {
  const file = join(dir, 'endpoints.json');
  const shown = shownFolder(dir);
  let endpoints: { gcs?: unknown; pubsub?: unknown; app?: unknown };
  try {
    endpoints = JSON.parse(readFileSync(file, 'utf8')) as typeof endpoints;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Failure(
      isMissing
        ? `no local cloud is running in ${shown}: start one with "npm start" (in .local) or "npm start -- --dir DIR"`
        : `cannot read ${printable(file)} (${printable((error as Error).message)}): restart the local cloud`,
    );
  }
  if (typeof endpoints?.gcs !== 'string') {
    throw new Failure(`${printable(file)} has no gcs endpoint: restart the local cloud`);
  }
  return {
    storage: endpoints.gcs,
    pubsub: typeof endpoints.pubsub === 'string' ? endpoints.pubsub : undefined,
    // not GOOGLE_CLOUD_PROJECT, which may name the project for calls to Gemini
    project: LOCAL_PROJECT,
    where: `the local cloud in ${shown} (${printable(endpoints.gcs)})`,
    isLocal: true,
    app: typeof endpoints.app === 'string' ? endpoints.app : undefined,
    dir,
  };
}

function shownFolder(dir: string): string {
  const path = relative(process.cwd(), dir);
  return printable(path === '' || path.startsWith('..') ? dir : path);
}

/** A variable of the environment, or the name that a local cloud always has. */
export function orLocally(
  variable: string,
  local: string,
  { isLocal }: Pick<Service, 'isLocal'>,
  env: NodeJS.ProcessEnv,
): string | undefined {
  return env[variable] || (isLocal ? local : undefined);
}

/** The service's object storage. */
export function storageOf({ storage, isLocal }: Service): Storage {
  return createGcsStorage({
    ...(storage !== undefined && { apiEndpoint: storage }),
    ...(isLocal && { projectId: 'local', retry: { attempts: 4, baseMs: 50, maxMs: 500 } }),
  });
}

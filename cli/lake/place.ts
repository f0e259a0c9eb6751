import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printable } from '../../local/report.ts';
import { Failure, quoted, UsageError } from './subcommand.ts';

export interface PlaceOptions {
  table?: string | undefined;
  local?: string | undefined;
  cloud: boolean;
}

/** Where a table is, and by what service. */
export interface Place {
  bucket: string;
  /** Folder in the bucket. */
  path: string;
  /** `gs://bucket/path`, fit for a terminal. */
  url: string;
  /** Undefined for Google's own service. */
  storage: string | undefined;
  pubsub: string | undefined;
  /** The service in words. */
  where: string;
  isLocal: boolean;
}

const LOCAL_DIR = fileURLToPath(new URL('../../.local', import.meta.url));

/**
 * `--local`, `--cloud`, the endpoints in the environment, a local cloud that runs in `.local`, and then
 * Google: the first of these that is there. Throws UsageError and Failure.
 */
export function findPlace(options: PlaceOptions, env: NodeJS.ProcessEnv, localDir = LOCAL_DIR): Place {
  const service = findService(options, env, localDir);
  const table = options.table ?? defaultTable(env, service.isLocal);
  const { bucket, path } = parseTable(table);
  return { bucket, path, url: printable(`gs://${bucket}/${path}`), ...service };
}

type Service = Pick<Place, 'storage' | 'pubsub' | 'where' | 'isLocal'>;

function findService({ local, cloud }: PlaceOptions, env: NodeJS.ProcessEnv, localDir: string): Service {
  if (local !== undefined && cloud) throw new UsageError('--local and --cloud exclude each other');
  if (local === '') throw new UsageError('--local is ""; the folder of a local cloud is allowed');
  if (local !== undefined) return localService(local);
  const storage = env['STORAGE_API_ENDPOINT'] || undefined;
  const pubsub = env['PUBSUB_API_ENDPOINT'] || undefined;
  if (!cloud && (storage !== undefined || pubsub !== undefined)) {
    const where = storage === undefined ? 'Cloud Storage' : `STORAGE_API_ENDPOINT, ${printable(storage)}`;
    return { storage, pubsub, where, isLocal: storage !== undefined };
  }
  if (!cloud && existsSync(join(localDir, 'endpoints.json'))) return localService(localDir);
  return { storage: undefined, pubsub: undefined, where: 'Cloud Storage', isLocal: false };
}

function localService(dir: string): Service {
  const file = join(dir, 'endpoints.json');
  const shown = shownFolder(dir);
  let endpoints: { gcs?: unknown; pubsub?: unknown };
  try {
    endpoints = JSON.parse(readFileSync(file, 'utf8')) as typeof endpoints;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Failure(
      isMissing
        ? `no local cloud runs in ${shown}: "npm start" starts one in .local, "npm start -- --dir DIR" in DIR`
        : `${printable(file)} is not readable (${printable((error as Error).message)}): start the local cloud again`,
    );
  }
  if (typeof endpoints?.gcs !== 'string') {
    throw new Failure(`${printable(file)} names no gcs endpoint: start the local cloud again`);
  }
  return {
    storage: endpoints.gcs,
    pubsub: typeof endpoints.pubsub === 'string' ? endpoints.pubsub : undefined,
    where: `the local cloud in ${shown}, ${printable(endpoints.gcs)}`,
    isLocal: true,
  };
}

function shownFolder(dir: string): string {
  const path = relative(process.cwd(), dir);
  return printable(path === '' || path.startsWith('..') ? dir : path);
}

function defaultTable(env: NodeJS.ProcessEnv, isLocal: boolean): string {
  const bucket = env['LAKE_BUCKET'] || (isLocal ? 'lake' : undefined);
  if (bucket !== undefined) return `gs://${bucket}/${env['LAKE_PATH'] || 'events'}`;
  throw new UsageError(
    'which table? give --table gs://BUCKET/FOLDER or set LAKE_BUCKET ("npm start" runs a local cloud, which has one)',
  );
}

function parseTable(text: string): { bucket: string; path: string } {
  const match = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])\/+([^/].*?)\/*$/s.exec(text);
  const [, bucket, path] = match ?? [];
  const isFine = path !== undefined && Buffer.byteLength(path) <= 900 && !/\p{Cc}|\/\//u.test(path);
  if (bucket !== undefined && isFine) return { bucket, path };
  throw new UsageError(`--table is ${quoted(text)}; gs://BUCKET/FOLDER is allowed`);
}

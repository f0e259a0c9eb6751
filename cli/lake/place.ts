import { printable } from '../../local/terminal-text.ts';
import { quoted, UsageError } from '../common/options.ts';
import {
  findService,
  SERVICE_HELP,
  SERVICE_OPTIONS,
  type Service,
  type ServiceOptions,
} from '../common/service.ts';

export const PLACE_OPTIONS = { table: { type: 'string' }, ...SERVICE_OPTIONS } as const;

export const PLACE_HELP = `  --table gs://BUCKET/FOLDER  the table (default: LAKE_BUCKET and LAKE_PATH, or gs://lake/events locally)
${SERVICE_HELP}`;

export interface PlaceOptions extends ServiceOptions {
  table?: string | undefined;
}

/** A table and the service that has it. */
export interface Place extends Service {
  bucket: string;
  /** Folder in the bucket. */
  path: string;
  /** `gs://bucket/path`, safe for a terminal. */
  url: string;
}

/**
 * Throws UsageError and Failure.
 * @param localDir where to look for a local cloud by default
 */
export function findPlace(options: PlaceOptions, env: NodeJS.ProcessEnv, localDir?: string): Place {
  const service = findService(options, env, localDir);
  const table = options.table ?? defaultTable(env, service.isLocal);
  const { bucket, path } = parseTable(table);
  return { bucket, path, url: printable(`gs://${bucket}/${path}`), ...service };
}

function defaultTable(env: NodeJS.ProcessEnv, isLocal: boolean): string {
  const bucket = env['LAKE_BUCKET'] || (isLocal ? 'lake' : undefined);
  if (bucket !== undefined) return `gs://${bucket}/${env['LAKE_PATH'] || 'events'}`;
  throw new UsageError(
    '--table gs://BUCKET/FOLDER or LAKE_BUCKET must be given ("npm start" starts a local cloud, which has a table)',
  );
}

function parseTable(text: string): { bucket: string; path: string } {
  const match = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])\/+([^/].*?)\/*$/s.exec(text);
  const [, bucket, path] = match ?? [];
  const isFine = path !== undefined && Buffer.byteLength(path) <= 900 && !/\p{Cc}|\/\//u.test(path);
  if (bucket !== undefined && isFine) return { bucket, path };
  throw new UsageError(`--table must be gs://BUCKET/FOLDER, got ${quoted(text)}`);
}

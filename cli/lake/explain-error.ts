import { printable } from '../../local/terminal-text.ts';
import { AppError } from '../../shared/core/errors.ts';
import { DeltaError, LOG_FOLDER, type TableLocation } from '../../shared/delta/index.ts';
import { explainServiceError } from '../common/explain-error.ts';
import type { Place } from './place.ts';

/** Explains an error in one line: what went wrong and what to do. */
export async function explainError(error: unknown, place: Place, location: TableLocation): Promise<string> {
  const message = printable(error instanceof Error ? error.message : String(error));
  if (error instanceof DeltaError) {
    if (error.code === 'table-not-found') return whatIsThere(place, location);
    if (error.code === 'unsettled') return `${message}: look at "pipeline lake history", then try again`;
    return `${place.url}: ${message}`;
  }
  if (error instanceof AppError && error.code === 'invalid-config') {
    return `bucket ${place.bucket} does not exist in ${place.where}: ${
      place.isLocal ? 'check --table' : 'check --table and the service (--local DIR, --cloud)'
    }`;
  }
  return explainServiceError(error, place);
}

const LOOK_AT = 1_000;

/** For a folder without a table: the tables that the bucket has. */
async function whatIsThere({ bucket, path, url, where }: Place, { store }: TableLocation): Promise<string> {
  let isEmpty = true;
  for await (const _ of store.list({ prefix: `${path}/` })) {
    isEmpty = false;
    break;
  }
  if (!isEmpty) return `${url} is not a Delta table: there are objects, but no commits in ${LOG_FOLDER}`;
  const tables = new Set<string>();
  let seen = 0;
  for await (const { name } of store.list({})) {
    const at = name.indexOf(`/${LOG_FOLDER}`);
    if (at > 0) tables.add(name.slice(0, at));
    if (++seen >= LOOK_AT) break;
  }
  const others = [...tables].slice(0, 5).map((name) => printable(`gs://${bucket}/${name}`));
  const hint =
    others.length > 0
      ? `the bucket has ${others.join(', ')}`
      : 'it is created with the first event that ingestEvent accepts';
  return `table ${url} does not exist in ${where}: ${hint}`;
}

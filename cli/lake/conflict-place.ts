import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { UsageError } from '../common/options.ts';
import { storageOf } from '../common/service.ts';
import type { Place } from './place.ts';

export const STATE_OPTIONS = { 'state-bucket': { type: 'string' } } as const;

export const STATE_HELP =
  '  --state-bucket B   the bucket of records (default: STATE_BUCKET, or state locally)\n';

/** The bucket of records; undefined if neither option nor environment names it. */
export function stateStore(
  place: Place,
  option: string | undefined,
  env: NodeJS.ProcessEnv,
): ObjectStore | undefined {
  const name = option || env['STATE_BUCKET'] || (place.isLocal ? 'state' : undefined);
  return name === undefined ? undefined : storageOf(place).bucket(name);
}

/** Throws UsageError if nothing names the bucket. */
export function neededState(...given: Parameters<typeof stateStore>): ObjectStore {
  const store = stateStore(...given);
  if (store !== undefined) return store;
  throw new UsageError(
    '--state-bucket or STATE_BUCKET must be given ("npm start" starts a local cloud, which has one)',
  );
}

import { DeltaError } from './delta-error.ts';
import { logFiles } from './log-listing.ts';
import { commitPath, objectName, type TableLocation } from './log-path.ts';

/** Version of the oldest commit file that the log still has; undefined for an empty log. */
export async function oldestCommit(
  location: TableLocation,
  signal?: AbortSignal,
): Promise<number | undefined> {
  for await (const { file } of logFiles(location, 0, signal)) if (file.kind === 'commit') return file.version;
  return undefined;
}

/**
 * The version that was the newest at `time`. Commits carry the time of their files, as the protocol says for
 * tables without in-commit timestamps; storage gives those in order. Throws `version-not-found` for a time
 * before the oldest commit that is left.
 */
export async function versionAt(
  location: TableLocation,
  newest: number,
  time: Date,
  signal?: AbortSignal,
): Promise<number> {
  const oldest = await oldestCommit(location, signal);
  if (oldest === undefined) throw new DeltaError('table-not-found', 'the log has no commits');
  const oldestTime = await commitTime(location, oldest, signal);
  if (oldestTime === undefined || oldestTime > time) {
    const since = oldestTime?.toISOString() ?? 'nowhere';
    throw new DeltaError(
      'version-not-found',
      `${time.toISOString()} is before the oldest version kept, ${oldest} of ${since}`,
    );
  }
  // the logs of busy tables have millions of commits: look at twenty, not at all
  let low = oldest;
  let high = newest;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const at = await commitTime(location, middle, signal);
    if (at !== undefined && at <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

async function commitTime(
  location: TableLocation,
  version: number,
  signal?: AbortSignal,
): Promise<Date | undefined> {
  const facts = await location.store.stat(objectName(location, commitPath(version)), { signal });
  return facts?.updated;
}

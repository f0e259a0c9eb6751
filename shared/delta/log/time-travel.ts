import { DeltaError } from '../delta-error.ts';
import { logFiles } from './listing.ts';
import { commitPath, objectName, type TableLocation } from './paths.ts';

/** Version of the oldest commit file left in the log; undefined for an empty log. */
export async function oldestCommit(
  location: TableLocation,
  signal?: AbortSignal,
): Promise<number | undefined> {
  for await (const { file } of logFiles(location, 0, signal)) if (file.kind === 'commit') return file.version;
  return undefined;
}

/** A log of up to this many versions is listed, a thousand commits a request; a longer one is searched. */
const LISTED_COMMITS = 20_000;

/**
 * The version that was the newest at `time`. Commits carry the time of their files, as the protocol says for tables
 * without in-commit timestamps. A commit that is not later than the one before counts as a millisecond later, as in
 * Spark (`monotonizeCommitTimestamps`): a log that was copied has its files' times in any order. Throws
 * `version-not-found` for a time before the oldest commit that is left.
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
      `${time.toISOString()} is before the oldest remaining version, ${oldest} from ${since}`,
    );
  }
  const found =
    newest - oldest > LISTED_COMMITS ? await search(location, oldest, newest, time, signal) : undefined;
  return found ?? walk(location, oldest, newest, time, signal);
}

/** Lists commits from the oldest up to the first one after `time`. */
async function walk(
  location: TableLocation,
  oldest: number,
  newest: number,
  time: Date,
  signal: AbortSignal | undefined,
): Promise<number> {
  let last = oldest;
  let lastAt = Number.NEGATIVE_INFINITY;
  for await (const { facts, file } of logFiles(location, oldest, signal)) {
    if (file.kind !== 'commit') continue;
    lastAt = Math.max(facts.updated.getTime(), lastAt + 1);
    if (file.version > newest || lastAt > time.getTime()) break;
    last = file.version;
  }
  return last;
}

/** Binary search in about twenty requests; undefined if the times that it saw are not in order. */
async function search(
  location: TableLocation,
  oldest: number,
  newest: number,
  time: Date,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const seen: { version: number; at: number }[] = [];
  let low = oldest;
  let high = newest;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const at = await commitTime(location, middle, signal);
    if (at !== undefined) seen.push({ version: middle, at: at.getTime() });
    if (at !== undefined && at <= time) low = middle;
    else high = middle - 1;
  }
  seen.sort((a, b) => a.version - b.version);
  return seen.every(({ at }, index) => index === 0 || at > (seen[index - 1]?.at ?? 0)) ? low : undefined;
}

async function commitTime(
  location: TableLocation,
  version: number,
  signal?: AbortSignal,
): Promise<Date | undefined> {
  const facts = await location.store.stat(objectName(location, commitPath(version)), { signal });
  return facts?.updated;
}

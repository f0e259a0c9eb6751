import { mapConcurrent } from '../../core/map-concurrent.ts';
import { DeltaError } from '../delta-error.ts';
import { readCommit } from '../log/commit.ts';
import { decodeDataPath, type TableLocation } from '../log/paths.ts';
import { parseStats } from '../log/stats.ts';
import { loadSnapshot } from './snapshot.ts';

const PARALLEL_READS = 16;

/**
 * Rows of the files that each version removed. A `remove` has no row count; the file's own `add`, in an earlier
 * version, does. Undefined if that version is gone or its writer gave no count. `entries` are successive versions,
 * newest first, as `history` returns them.
 */
export async function rowsRemoved(
  location: TableLocation,
  entries: readonly { version: number; filesRemoved: number }[],
  signal?: AbortSignal,
): Promise<Map<number, number | undefined>> {
  const removed = new Map<number, number | undefined>(entries.map(({ version }) => [version, 0]));
  if (entries.every(({ filesRemoved }) => filesRemoved === 0)) return removed;
  const rows = new Map<string, number | undefined>();
  const oldest = entries.at(-1)?.version ?? 0;
  const before = oldest === 0 ? undefined : await loadSnapshot(location, oldest - 1, signal).catch(ifGone);
  for (const [path, { stats }] of before?.files ?? []) rows.set(path, parseStats(stats).numRecords);
  const versions = entries.map(({ version }) => version).reverse();
  const commits = await mapConcurrent(versions, PARALLEL_READS, (version) =>
    readCommit(location, version, signal),
  );
  for (const commit of commits) {
    if (commit === undefined) continue;
    let sum: number | undefined = 0;
    for (const { path } of commit.removes) {
      const known = rows.get(decodeDataPath(path));
      sum = sum === undefined || known === undefined ? undefined : sum + known;
    }
    for (const { path, stats } of commit.adds) rows.set(decodeDataPath(path), parseStats(stats).numRecords);
    removed.set(commit.version, sum);
  }
  return removed;
}

function ifGone(error: unknown): undefined {
  if (error instanceof DeltaError) return undefined;
  throw error;
}

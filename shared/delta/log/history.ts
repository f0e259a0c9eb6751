import { mapConcurrent } from '../../core/map-concurrent.ts';
import type { Commit, CommitInfo } from './actions.ts';
import { parseCommit } from './actions.ts';
import { commitPath, objectName, type TableLocation } from './paths.ts';
import { parseStats } from './stats.ts';

/** One version of a table's history. */
export interface HistoryEntry {
  version: number;
  /** Time of the commit file. */
  committed: Date;
  operation: string | undefined;
  engine: string | undefined;
  filesAdded: number;
  filesRemoved: number;
  /** Rows of the added files; undefined if a file's statistics have no count. */
  rowsAdded: number | undefined;
  bytesAdded: number;
  commitInfo: CommitInfo | undefined;
}

const PARALLEL_READS = 16;

/** Up to `limit` versions, newest first; fewer if the log has been cleaned up. */
export async function readHistory(
  location: TableLocation,
  newest: number,
  limit = 100,
  signal?: AbortSignal,
): Promise<HistoryEntry[]> {
  const count = Math.max(0, Math.min(limit, newest + 1));
  const versions = Array.from({ length: count }, (_, step) => newest - step);
  const entries = await mapConcurrent(versions, PARALLEL_READS, async (version) => {
    const stored = await location.store.get(objectName(location, commitPath(version)), { signal });
    return stored && toEntry(parseCommit(version, stored.body), stored.facts.updated);
  });
  const end = entries.indexOf(undefined);
  return entries.slice(0, end < 0 ? undefined : end).filter((entry) => entry !== undefined);
}

function toEntry({ version, commitInfo, adds, removes }: Commit, committed: Date): HistoryEntry {
  let rowsAdded: number | undefined = 0;
  let bytesAdded = 0;
  for (const { stats, size } of adds) {
    const { numRecords } = parseStats(stats);
    rowsAdded = rowsAdded === undefined || numRecords === undefined ? undefined : rowsAdded + numRecords;
    bytesAdded += size;
  }
  const engine = commitInfo?.engineInfo;
  return {
    version,
    committed,
    operation: commitInfo?.operation,
    engine: typeof engine === 'string' ? engine : undefined,
    filesAdded: adds.length,
    filesRemoved: removes.length,
    rowsAdded,
    bytesAdded,
    commitInfo,
  };
}

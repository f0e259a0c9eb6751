import { listLog } from '../log/listing.ts';
import type { TableLocation } from '../log/paths.ts';
import { loadSnapshot } from './snapshot.ts';

export interface VersionRange {
  /** Oldest version that can be read. */
  oldest: number;
  newest: number;
  /** Time of the oldest version's commit file; undefined if only its checkpoint is left. */
  since: Date | undefined;
}

/** The versions that can be read. Lists the whole log. Throws what `loadSnapshot` throws. */
export async function versionRange(location: TableLocation, signal?: AbortSignal): Promise<VersionRange> {
  const { version: newest } = await loadSnapshot(location, undefined, signal);
  const { commits, checkpoints } = await listLog(location, 0, signal);
  // a version needs a checkpoint at or before it, unless the log is whole
  const isWhole = commits[0]?.version === 0;
  const oldest = isWhole ? 0 : (checkpoints[0]?.version ?? commits[0]?.version ?? newest);
  return { oldest, newest, since: commits.find(({ version }) => version === oldest)?.updated };
}

import { type Clock, systemClock } from '../../core/clock.ts';
import { mapConcurrent } from '../../core/map-concurrent.ts';
import type { ObjectFacts } from '../../storage/object-store.ts';
import { DeltaError } from '../delta-error.ts';
import { CheckpointFiles, type ListedCheckpoint, logFiles } from '../log/listing.ts';
import type { TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import { logRetentionMs } from '../log/table-properties.ts';
import { readCheckpoint } from '../snapshot/checkpoint-read.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

export interface CleanupOptions {
  /** Stops after this time, ms; the next call continues. Default: no limit. */
  maxMs?: number;
  dryRun?: boolean;
  clock?: Clock;
  signal?: AbortSignal | undefined;
}

export interface CleanupOutcome {
  /** Log files that were deleted, or would be in a dry run. */
  deleted: number;
  /** Oldest version that can still be read; undefined if nothing could be cleaned up. */
  oldestKept: number | undefined;
  isComplete: boolean;
}

const BATCH = 64;

/**
 * Deletes expired log files ("Metadata Cleanup"): everything before the newest checkpoint that is at or before the
 * newest commit older than the retention (30 days, or `delta.logRetentionDuration`). That checkpoint, its commit
 * and everything after it stay, so that every version from there on can be read. An unreadable checkpoint does not
 * count: the versions before it could not be rebuilt.
 */
export async function cleanUpLog(
  location: TableLocation,
  snapshot: Snapshot,
  options: CleanupOptions = {},
): Promise<CleanupOutcome> {
  checkWritable(snapshot.protocol, snapshot.metadata);
  const { clock = systemClock, maxMs = Number.POSITIVE_INFINITY, dryRun = false, signal } = options;
  const started = clock.now();
  const cutoff = started - logRetentionMs(snapshot.metadata);
  const keep = await newestReadable(location, await checkpointsBefore(location, cutoff, signal), signal);
  const outcome: CleanupOutcome = { deleted: 0, oldestKept: keep, isComplete: true };
  if (keep === undefined) return outcome;

  let doomed: ObjectFacts[] = [];
  const flush = async (): Promise<void> => {
    const batch = doomed;
    doomed = [];
    outcome.deleted += batch.length;
    if (dryRun) return;
    await mapConcurrent(batch, 16, ({ name, generation }) =>
      location.store.delete(name, { generation, signal }),
    );
  };
  for await (const { facts, file } of logFiles(location, 0, signal)) {
    if (file.version > keep) break;
    // a log compaction that starts at the kept checkpoint is useless
    if (file.version === keep && file.kind !== 'compacted') continue;
    if (clock.now() - started > maxMs) {
      outcome.isComplete = false;
      break;
    }
    doomed.push(facts);
    if (doomed.length >= BATCH) await flush();
  }
  await flush();
  return outcome;
}

/** Complete checkpoints at or before the newest commit older than `cutoff`, by rising version. */
async function checkpointsBefore(
  location: TableLocation,
  cutoff: number,
  signal: AbortSignal | undefined,
): Promise<ListedCheckpoint[]> {
  const checkpointFiles = new CheckpointFiles();
  const found: ListedCheckpoint[] = [];
  let expired = -1;
  for await (const { facts, file } of logFiles(location, 0, signal)) {
    const checkpoint = checkpointFiles.add(file, facts.size);
    if (checkpoint) found.push(checkpoint);
    if (file.kind !== 'commit') continue;
    // names come in order of version: the rest of the log is newer still
    if (facts.updated.getTime() > cutoff) break;
    expired = file.version;
  }
  return found.filter(({ version }) => version <= expired);
}

async function newestReadable(
  location: TableLocation,
  checkpoints: ListedCheckpoint[],
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  for (const checkpoint of checkpoints.reverse()) {
    try {
      await readCheckpoint(location, checkpoint, signal);
      return checkpoint.version;
    } catch (error) {
      if (!(error instanceof DeltaError) || error.code !== 'corrupt-table') throw error;
    }
  }
  return undefined;
}

import { type Clock, systemClock } from '../runtime/clock.ts';
import type { ObjectFacts } from '../storage/object-store.ts';
import { LOG_FOLDER, type LogFile, objectName, parseLogFile, type TableLocation } from './log-path.ts';
import { mapConcurrent } from './map-concurrent.ts';
import { checkWritable } from './protocol.ts';
import type { Snapshot } from './snapshot.ts';
import { logRetentionMs } from './table-properties.ts';

export interface CleanupOptions {
  /** Stops after this time, ms; the next call goes on. Default: no limit. */
  maxMs?: number;
  dryRun?: boolean;
  clock?: Clock;
  signal?: AbortSignal | undefined;
}

export interface CleanupOutcome {
  /** Log files deleted, or that would be. */
  deleted: number;
  /** Oldest version that can still be read; undefined where nothing could be cleaned up. */
  oldestKept: number | undefined;
  isComplete: boolean;
}

const BATCH = 64;

/**
 * Deletes expired log files ("Metadata Cleanup"): all before the newest checkpoint that is at or before the
 * newest commit older than the retention (30 days, or by `delta.logRetentionDuration`). That checkpoint, its
 * commit and everything behind it stay, so that every version from there on can be read.
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
  const keep = await newestCheckpointBefore(location, cutoff, signal);
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
  for await (const { facts, file } of logFiles(location, signal)) {
    if (file.version > keep) break;
    // a log compaction that begins at the kept checkpoint is of no use to anybody
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

/** Newest complete checkpoint not behind the newest commit that is older than `cutoff`. */
async function newestCheckpointBefore(
  location: TableLocation,
  cutoff: number,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const parts = new Map<string, number>();
  let candidate: number | undefined;
  let newest: number | undefined;
  for await (const { facts, file } of logFiles(location, signal)) {
    if (file.kind === 'checkpoint') candidate = file.version;
    if (file.kind === 'checkpoint-part') {
      const key = `${file.version}.${file.parts}`;
      const found = (parts.get(key) ?? 0) + 1;
      parts.set(key, found);
      if (found === file.parts) candidate = file.version;
    }
    if (file.kind !== 'commit') continue;
    // names come in order of version: the rest of the log is newer still
    if (facts.updated.getTime() > cutoff) break;
    // a checkpoint's name comes before that of its commit, which may be too young
    newest = candidate;
  }
  return newest;
}

async function* logFiles(
  location: TableLocation,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ facts: ObjectFacts; file: LogFile }> {
  const prefix = objectName(location, LOG_FOLDER);
  for await (const facts of location.store.list({ prefix, startOffset: `${prefix}0`, signal })) {
    const file = parseLogFile(facts.name.slice(prefix.length));
    if (file) yield { facts, file };
  }
}

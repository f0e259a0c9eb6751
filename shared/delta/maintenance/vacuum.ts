import { type Clock, systemClock } from '../../core/clock.ts';
import { mapConcurrent } from '../../core/map-concurrent.ts';
import type { ObjectFacts } from '../../storage/object-store.ts';
import { DeltaError } from '../delta-error.ts';
import { decodeDataPath, LOG_FOLDER, objectName, type TableLocation } from '../log/paths.ts';
import { checkWritable } from '../log/protocol.ts';
import { fileRetentionMs } from '../log/table-properties.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { unexpiredTombstones } from './checkpoint.ts';

export interface VacuumOptions {
  /** Only reports what would be deleted. */
  dryRun?: boolean;
  /** Stops after this time, ms; the next call continues. Default: no limit. */
  maxMs?: number;
  clock?: Clock;
  signal?: AbortSignal | undefined;
}

export interface VacuumOutcome {
  /** Paths that were deleted, or would be in a dry run. */
  files: string[];
  /** Bytes of those files. */
  bytes: number;
  /** Objects examined. */
  seen: number;
  /** False if time ran out. */
  isComplete: boolean;
}

const BATCH = 64;

/**
 * Deletes data files that no version within the retention (7 days, or longer by
 * `delta.deletedFileRetentionDuration`) needs: those not live, not removed within it, and not written within it,
 * since a writer may be about to commit them. A folder with its own log is another table and left alone. `snapshot`
 * must be the newest version. Throws `unsupported-table` for a table that occupies the whole bucket.
 */
export async function vacuum(
  location: TableLocation,
  snapshot: Snapshot,
  options: VacuumOptions = {},
): Promise<VacuumOutcome> {
  checkWritable(snapshot.protocol, snapshot.metadata);
  if (location.path === '') {
    throw new DeltaError(
      'unsupported-table',
      `the table's folder is all of bucket ${location.store.bucket}: vacuum would delete everything else in it`,
    );
  }
  const { dryRun = false, maxMs = Number.POSITIVE_INFINITY, clock = systemClock, signal } = options;
  const started = clock.now();
  const oldest = started - fileRetentionMs(snapshot.metadata);
  const recentlyRemoved = new Set(
    unexpiredTombstones(snapshot, started).map(({ path }) => decodeDataPath(path)),
  );
  const outcome: VacuumOutcome = { files: [], bytes: 0, seen: 0, isComplete: true };
  let doomed: { path: string; generation: string }[] = [];
  const flush = async (): Promise<void> => {
    const batch = doomed;
    doomed = [];
    if (dryRun) return;
    await mapConcurrent(batch, 16, ({ path, generation }) =>
      location.store.delete(objectName(location, path), { generation, signal }),
    );
  };

  const isOtherTable = otherTables(location, signal);
  for await (const { path, generation, size, updated } of visibleFiles(location, signal)) {
    outcome.seen++;
    if (isHidden(path) || snapshot.files.has(path) || recentlyRemoved.has(path)) continue;
    if (updated.getTime() >= oldest) continue;
    if (await isOtherTable(path)) continue;
    if (clock.now() - started > maxMs) {
      outcome.isComplete = false;
      break;
    }
    outcome.files.push(path);
    outcome.bytes += size;
    doomed.push({ path, generation });
    if (doomed.length >= BATCH) await flush();
  }
  await flush();
  return outcome;
}

/** All objects of the table except names that begin with `_`: the log alone may have millions. */
async function* visibleFiles(
  location: TableLocation,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectFacts & { path: string }> {
  const prefix = objectName(location, '');
  const afterUnderscore = String.fromCharCode('_'.charCodeAt(0) + 1);
  for (const startOffset of [prefix, prefix + afterUnderscore]) {
    for await (const facts of location.store.list({ prefix, startOffset, signal })) {
      const path = facts.name.slice(prefix.length);
      if (path.startsWith('_')) break;
      yield { ...facts, path };
    }
  }
}

/** True if a file belongs to a table inside this one. Takes one listing per folder; our tables have no folders. */
function otherTables(
  location: TableLocation,
  signal: AbortSignal | undefined,
): (path: string) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  const hasLog = async (folder: string): Promise<boolean> => {
    const prefix = objectName(location, `${folder}${LOG_FOLDER}`);
    for await (const _ of location.store.list({ prefix, signal })) return true;
    return false;
  };
  return async (path) => {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash + 1);
      const found = known.get(folder) ?? hasLog(folder);
      known.set(folder, found);
      if (await found) return true;
    }
    return false;
  };
}

/** Names that begin with `_` or `.` are not data: the log, the index of ids, drafts of other tools. */
function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('_') || part.startsWith('.'));
}

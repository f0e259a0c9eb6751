import type { Clock } from '../../shared/core/clock.ts';
import { AppError } from '../../shared/core/errors.ts';
import {
  type CheckpointOutcome,
  type CleanupOutcome,
  type CompactionOutcome,
  DeltaError,
  DeltaTable,
  type VacuumOutcome,
} from '../../shared/delta/index.ts';
import { withLease } from '../../shared/records/lease.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

export interface MaintainOptions {
  lake: ObjectStore;
  path: string;
  idColumn: string;
  state: ObjectStore;
  /** Time of the whole run, ms. */
  maxMs: number;
  clock: Clock;
  signal: AbortSignal;
}

/** What each step did; a step that failed says why, and the others went on. */
export interface Maintained {
  outcome: 'maintained' | 'busy' | 'no-table';
  compaction?: CompactionOutcome | { failed: string };
  checkpoint?: CheckpointOutcome | { failed: string };
  cleanup?: CleanupOutcome | { failed: string };
  vacuum?: (Omit<VacuumOutcome, 'files'> & { files: number }) | { failed: string };
  /** False where something is left for the next run. */
  isComplete: boolean;
  error?: unknown;
}

const LEASE_MS = 60_000;

/**
 * Keeps the table quick to read and cheap to keep: compaction, checkpoint, log clean-up, vacuum. Each is bounded
 * in time and goes on in the next run where it was stopped. Safe beside writers and beside itself, which the
 * table's log sees to; the lease only spares two runs the same work.
 */
export async function maintainTable(options: MaintainOptions): Promise<Maintained> {
  const { state, lake, path, clock, signal } = options;
  const key = `maintenance/${lake.bucket}/${path}/lease.json`;
  let holding = false;
  try {
    return await withLease(state, key, { ttlMs: LEASE_MS, clock, signal }, () => {
      holding = true;
      return maintain(options);
    });
  } catch (error) {
    if (!holding && error instanceof AppError && error.code === 'busy') {
      return { outcome: 'busy', isComplete: false };
    }
    throw error;
  }
}

async function maintain({
  lake,
  path,
  idColumn,
  maxMs,
  clock,
  signal,
}: MaintainOptions): Promise<Maintained> {
  const end = clock.now() + maxMs;
  /** A share of the time that is left. */
  const share = (part: number): number => Math.max(0, (end - clock.now()) * part);
  let table: DeltaTable;
  try {
    table = await DeltaTable.open(lake, path, { clock });
  } catch (error) {
    if (!(error instanceof DeltaError && error.code === 'table-not-found')) throw error;
    return { outcome: 'no-table', isComplete: true };
  }
  const done: Maintained = { outcome: 'maintained', isComplete: true };
  const step = async <T>(work: () => Promise<T>): Promise<T | { failed: string }> => {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      done.error ??= error;
      return { failed: String(error) };
    }
  };
  done.compaction = await step(() => table.compact({ idColumn, maxMs: share(0.7), signal }));
  done.checkpoint = await step(() => table.checkpoint());
  done.cleanup = await step(() => table.cleanUpLog({ maxMs: share(0.5), signal }));
  done.vacuum = await step(async () => {
    const { files, ...vacuum } = await table.vacuum({ maxMs: share(1), signal });
    return { ...vacuum, files: files.length };
  });
  for (const result of [done.compaction, done.cleanup, done.vacuum]) {
    if ('failed' in result || !result.isComplete) done.isComplete = false;
  }
  return done;
}

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
  /** Time limit of the whole run, in ms. */
  maxMs: number;
  clock: Clock;
  signal: AbortSignal;
}

/** Result of each step; a step that failed gives its reason, and the others still ran. */
export interface Maintained {
  outcome: 'maintained' | 'busy' | 'no-table';
  compaction?: CompactionOutcome | { failed: string };
  checkpoint?: CheckpointOutcome | { failed: string };
  cleanup?: CleanupOutcome | { failed: string };
  vacuum?: (Omit<VacuumOutcome, 'files'> & { files: number }) | { failed: string };
  /** False if work is left for the next run. */
  isComplete: boolean;
  error?: unknown;
}

const LEASE_MS = 60_000;

/**
 * Keeps the table fast to read and cheap to store: compaction, checkpoint, log clean-up, vacuum. Each is limited in
 * time, and the next run resumes where it stopped. The table's log makes it safe beside writers and other runs; the
 * lease only prevents duplicate work.
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
  /** A share of the remaining time. */
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

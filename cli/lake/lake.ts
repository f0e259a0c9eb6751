import { ID_COLUMN } from '../../functions/ingest/events-table.ts';
import { DeltaTable } from '../../shared/delta/index.ts';
import type { TableLocation } from '../../shared/delta/log-path.ts';
import type { Snapshot } from '../../shared/delta/snapshot.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { countingStore, type StoreCounts } from './counting-store.ts';
import type { Output } from './output.ts';
import type { Place } from './place.ts';
import type { Progress } from './progress.ts';

/** What a subcommand works with. */
export interface Lake {
  place: Place;
  location: TableLocation;
  /** What has been read so far. */
  counts: StoreCounts;
  out: Output;
  progress: Progress;
  clock: Clock;
  /** Aborted by Ctrl-C, and at the end of the command. */
  signal: AbortSignal;
  openTable(): Promise<DeltaTable>;
}

export function openLake(place: Place, io: Pick<Lake, 'out' | 'progress' | 'signal'>): Lake {
  const storage = createGcsStorage({
    ...(place.storage !== undefined && { apiEndpoint: place.storage }),
    ...(place.isLocal && { projectId: 'local', retry: { attempts: 4, baseMs: 50, maxMs: 500 } }),
  });
  const counts = { requests: 0, bytes: 0 };
  const location = { store: countingStore(storage.bucket(place.bucket), counts), path: place.path };
  const openTable = (): Promise<DeltaTable> => DeltaTable.open(location.store, location.path);
  return { place, location, counts, clock: systemClock, openTable, ...io };
}

/** The column that rows are known by; undefined in a table of somebody else's that has none. */
export function idColumnOf({ fields }: Snapshot): string | undefined {
  return fields.find(({ name, type }) => name === ID_COLUMN && type === 'string')?.name;
}

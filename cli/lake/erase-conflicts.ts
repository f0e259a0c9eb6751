import { DeltaError, type DeltaTable } from '../../shared/delta/index.ts';
import { type ConflictEntry, listConflicts } from '../../shared/lake/conflicts.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import type { Lake } from './lake.ts';

/** Ids per query of the table. */
const MAX_IDS = 500;

export interface ErasedConflicts {
  deleted: number;
  /** Why some may be left, and what to do. */
  problem?: string;
}

/**
 * Deletes the records of conflicts whose event has no row any more. That covers what an earlier run, or another
 * engine, has erased without them.
 */
export async function eraseConflicts(
  { openTable, place, signal }: Lake,
  state: ObjectStore | undefined,
): Promise<ErasedConflicts> {
  if (state === undefined) {
    return { deleted: 0, problem: 'run the command again with --state-bucket or STATE_BUCKET' };
  }
  let deleted = 0;
  try {
    const entries = await listConflicts(state, place.path, { signal });
    if (entries.length === 0) return { deleted };
    // opened after the listing: a record is written when its row is there
    const there = await idsThere(await openTable(), entries, signal);
    for (const { name, eventId } of entries) {
      if (there.has(eventId)) continue;
      if (await state.delete(name, { signal })) deleted++;
    }
    return { deleted };
  } catch (error) {
    if (signal.aborted || error instanceof DeltaError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    return { deleted, problem: `${said}; run the command again` };
  }
}

async function idsThere(
  table: DeltaTable,
  entries: readonly ConflictEntry[],
  signal: AbortSignal,
): Promise<Set<string>> {
  const ids = [...new Set(entries.map(({ eventId }) => eventId))];
  const found = new Set<string>();
  for (let from = 0; from < ids.length; from += MAX_IDS) {
    const filter = { [EVENT_ID]: { in: ids.slice(from, from + MAX_IDS) } };
    for await (const rows of table.scan({ columns: [EVENT_ID], filter, signal })) {
      for (const row of rows) found.add(String(row[EVENT_ID]));
    }
  }
  return found;
}

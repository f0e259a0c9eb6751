import { DeltaError, DeltaTable, type ScannedRow } from '../../../shared/delta/index.ts';
import { appTablePath } from '../../../shared/lake/app-tables.ts';
import type { Storage } from '../../../shared/storage/object-store.ts';
import { SIGNUPS } from '../track-signup/signups-table.ts';

/** The rows of the table of sign-ups; none before the first. */
export async function readSignups(storage: Storage): Promise<ScannedRow[]> {
  try {
    const table = await DeltaTable.open(storage.bucket('lake'), appTablePath(SIGNUPS));
    const rows: ScannedRow[] = [];
    for await (const batch of table.scan()) rows.push(...batch);
    return rows;
  } catch (error) {
    if (error instanceof DeltaError && error.code === 'table-not-found') return [];
    throw error;
  }
}

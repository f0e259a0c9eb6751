import { COLUMNS, EVENTS_TABLE } from '../../functions/ingest/events-table.ts';
import type { Column, DeltaTable } from '../../shared/delta/index.ts';
import { openNamedTable } from '../../shared/lake/named-table.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/** Opens the table of events as ingestEvent does; pass other columns for another version of it. */
export function openEventsTable(
  store: ObjectStore,
  path: string,
  columns: readonly Column[] = COLUMNS,
): Promise<DeltaTable> {
  return openNamedTable(store, path, { ...EVENTS_TABLE, columns });
}

import { COLUMNS, EVENTS_TABLE } from '../../functions/ingest/events-table.ts';
import type { Column, DeltaTable } from '../../shared/delta/index.ts';
import { openNamedTable } from '../../shared/lake/named-table.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/** The table of events, opened as ingestEvent opens it; other columns stand for another version of it. */
export function openEventsTable(
  store: ObjectStore,
  path: string,
  columns: readonly Column[] = COLUMNS,
): Promise<DeltaTable> {
  return openNamedTable(store, path, { ...EVENTS_TABLE, columns });
}

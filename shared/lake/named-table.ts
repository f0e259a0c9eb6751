import { AppError } from '../core/errors.ts';
import { type Column, DeltaError, DeltaTable } from '../delta/index.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** A table that we define. A nullable column may be added at the end at any time. */
export interface TableDefinition {
  name: string;
  description: string;
  columns: readonly Column[];
  /** Column that holds each value once. */
  idColumn: string;
}

/** The table, made where there is none and given the columns that it lacks. Any number of callers at a time. */
export async function openNamedTable(
  store: ObjectStore,
  path: string,
  { name, description, columns }: TableDefinition,
): Promise<DeltaTable> {
  const table = await DeltaTable.openOrCreate(store, path, { columns, name, description });
  for (let races = 0; ; races++) {
    const { fields } = await table.snapshot();
    const missing = columns.filter((column) => !fields.some((field) => field.name === column.name));
    if (missing.length === 0) return table;
    try {
      await table.addColumns(missing);
    } catch (error) {
      // another instance may have added them at the same time: look again
      if (races >= 3 || !(error instanceof DeltaError && error.code === 'schema-mismatch')) throw error;
    }
  }
}

/** What the table's library throws, in our codes: all of it is worth another delivery. */
export function toTableError(error: unknown): unknown {
  if (!(error instanceof DeltaError)) return error;
  return new AppError(error.retryable ? 'unavailable' : 'internal', `${error.code}: ${error.message}`, {
    cause: error,
  });
}

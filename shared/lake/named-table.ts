import { AppError } from '../core/errors.ts';
import { type Column, DeltaError, DeltaTable } from '../delta/index.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** A table defined by this project. Nullable columns may be appended at any time. */
export interface TableDefinition<Columns extends readonly Column[] = readonly Column[]> {
  name: string;
  description: string;
  columns: Columns;
  /** Column whose values are unique. */
  idColumn: string;
}

/** Opens the table, creating it and adding missing columns as needed. Safe for concurrent callers. */
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
      // another instance may have added them concurrently: try again
      if (races >= 3 || !(error instanceof DeltaError && error.code === 'schema-mismatch')) throw error;
    }
  }
}

/** Maps errors of the table library to our codes: all of them are retryable. */
export function toTableError(error: unknown): unknown {
  if (!(error instanceof DeltaError)) return error;
  return new AppError(error.retryable ? 'unavailable' : 'internal', `${error.code}: ${error.message}`, {
    cause: error,
  });
}

import { SharedQuery } from '../../shared/core/shared-query.ts';
import { DeltaError, DeltaTable } from '../../shared/delta/index.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/** Ids per caller: each is compared with every row of files that may contain it. */
const MAX_IDS = 100;

/** Looks up events in their table. */
export class EventRows {
  readonly #query = new SharedQuery((ids) => this.#look(ids));
  readonly #store: ObjectStore;
  readonly #path: string;

  constructor(store: ObjectStore, path: string) {
    this.#store = store;
    this.#path = path;
  }

  /** True if there are rows of all these ids. More than 100 ids are not looked up: the answer is false. */
  async hasAll(ids: readonly string[]): Promise<boolean> {
    if (ids.length > MAX_IDS) return false;
    const found = await this.#query.about(ids);
    return ids.every((id) => found.has(id));
  }

  async #look(ids: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    try {
      const table = await DeltaTable.open(this.#store, this.#path);
      const filter = { [EVENT_ID]: { in: ids } };
      for await (const rows of table.scan({ columns: [EVENT_ID], filter })) {
        for (const row of rows) found.add(String(row[EVENT_ID]));
        if (found.size === ids.length) break;
      }
    } catch (error) {
      if (!(error instanceof DeltaError && error.code === 'table-not-found')) throw error;
    }
    return found;
  }
}

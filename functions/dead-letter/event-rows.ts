import { DeltaError, DeltaTable } from '../../shared/delta/index.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/** Ids per query: each is compared with every row of files that may contain it. */
const MAX_IDS = 100;

interface Question {
  ids: readonly string[];
  resolve(isThere: boolean): void;
  reject(error: unknown): void;
}

/**
 * Looks up events in their table. Callers during a query share the next one, so a storm of letters takes few
 * queries.
 */
export class EventRows {
  #waiting: Question[] = [];
  #running = false;
  readonly #store: ObjectStore;
  readonly #path: string;

  constructor(store: ObjectStore, path: string) {
    this.#store = store;
    this.#path = path;
  }

  /** True if there are rows of all these ids. More than 100 ids are not looked up: the answer is false. */
  hasAll(ids: readonly string[]): Promise<boolean> {
    if (ids.length > MAX_IDS) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ids, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const asked = this.#next();
      try {
        const found = await this.#look(new Set(asked.flatMap(({ ids }) => ids)));
        for (const { ids, resolve } of asked) resolve(ids.every((id) => found.has(id)));
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#running = false;
  }

  #next(): Question[] {
    let [count, ids] = [0, 0];
    for (const question of this.#waiting) {
      ids += question.ids.length;
      if (count > 0 && ids > MAX_IDS) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #look(ids: ReadonlySet<string>): Promise<Set<string>> {
    const found = new Set<string>();
    try {
      const table = await DeltaTable.open(this.#store, this.#path);
      const filter = { [EVENT_ID]: { in: [...ids] } };
      for await (const rows of table.scan({ columns: [EVENT_ID], filter })) {
        for (const row of rows) found.add(String(row[EVENT_ID]));
        if (found.size === ids.size) break;
      }
    } catch (error) {
      if (!(error instanceof DeltaError && error.code === 'table-not-found')) throw error;
    }
    return found;
  }
}

/** Ids per query. */
const MAX_IDS = 100;

interface Question<Answer> {
  ids: readonly string[];
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Asks about ids, one query at a time: callers during a query share the next one, so a storm of them takes few
 * queries.
 */
export class SharedQuery<Answer> {
  readonly #waiting: Question<Answer>[] = [];
  #running = false;
  readonly #ask: (ids: readonly string[]) => Promise<Answer>;

  /** `ask` gets up to 100 ids, each once; more only if one caller has more. */
  constructor(ask: (ids: readonly string[]) => Promise<Answer>) {
    this.#ask = ask;
  }

  /** Callers whose query has not begun. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves with the answer for these ids and those of other callers. Rejects as the query does. */
  about(ids: readonly string[]): Promise<Answer> {
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
        const answer = await this.#ask([...new Set(asked.flatMap(({ ids }) => ids))]);
        for (const { resolve } of asked) resolve(answer);
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#running = false;
  }

  #next(): Question<Answer>[] {
    let [count, ids] = [0, 0];
    for (const question of this.#waiting) {
      ids += question.ids.length;
      if (count > 0 && ids > MAX_IDS) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

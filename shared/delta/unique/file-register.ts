/**
 * Numbers data files, and tracks which files took the rows of removed ones. A live file has its path here; for a
 * rewritten one, only the numbers of the files that took its rows are kept.
 */
export class FileRegister {
  readonly #numbers = new Map<string, number>();
  /** By number: the path of a live file. */
  readonly #paths: (string | undefined)[] = [];
  /** By number: files that took its rows. The files of one rewrite share one list. */
  readonly #movedTo: (readonly number[] | undefined)[] = [];
  /** Numbers of files that lost some rows when they were rewritten. */
  readonly #incomplete = new Set<number>();

  /** Paths of all live files. */
  get live(): IterableIterator<string> {
    return this.#numbers.keys();
  }

  /** Number of numbers assigned. */
  get size(): number {
    return this.#paths.length;
  }

  has(path: string): boolean {
    return this.#numbers.has(path);
  }

  /** The number of a live file; assigns one to a new path. */
  numberOf(path: string): number {
    const known = this.#numbers.get(path);
    if (known !== undefined) return known;
    const number = this.#paths.length;
    this.#paths.push(path);
    this.#movedTo.push(undefined);
    this.#numbers.set(path, number);
    return number;
  }

  /** A number for rows that may be in any of these files. */
  groupOf(paths: readonly string[]): number {
    const [only] = paths;
    if (paths.length === 1 && only !== undefined) return this.numberOf(only);
    const files = paths.map((path) => this.numberOf(path));
    this.#paths.push(undefined);
    this.#movedTo.push(files);
    return this.#paths.length - 1;
  }

  /** The file's rows are gone from the table. */
  remove(path: string): void {
    const number = this.#numbers.get(path);
    if (number === undefined) return;
    this.#numbers.delete(path);
    this.#paths[number] = undefined;
  }

  /** The rows of all `inputs` are now in `outputs`; it is unknown which rows are in which file. */
  move(inputs: readonly string[], outputs: readonly string[]): void {
    const targets = outputs.map((path) => this.numberOf(path));
    for (const path of inputs) {
      const number = this.#numbers.get(path);
      if (number === undefined || targets.includes(number)) continue;
      this.remove(path);
      this.#movedTo[number] = targets;
    }
  }

  /** Some rows of `input` are gone from the table, and the rest are now in `outputs`. */
  moveSome(input: string, outputs: readonly string[]): void {
    const number = this.#numbers.get(input);
    this.move([input], outputs);
    if (number !== undefined) this.#incomplete.add(number);
  }

  /** Live files that may hold rows of file `number`. */
  resolve(number: number): string[] {
    const path = this.#paths[number];
    if (path !== undefined) return [path];
    const found = new Set<string>();
    const seen = new Set<number>();
    const visit = (next: number): void => {
      if (seen.has(next)) return;
      seen.add(next);
      const live = this.#paths[next];
      if (live !== undefined) found.add(live);
      for (const target of this.#movedTo[next] ?? []) visit(target);
    };
    visit(number);
    return [...found];
  }

  /** True if every row of file `number` is certainly still in the table. */
  keepsAllRows(number: number): boolean {
    if (this.#paths[number] !== undefined) return true;
    const targets = this.#incomplete.has(number) ? [] : (this.#movedTo[number] ?? []);
    // a file without successors is gone
    return targets.length > 0 && targets.every((target) => this.keepsAllRows(target));
  }
}

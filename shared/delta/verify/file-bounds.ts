import type { Field } from '../log/schema.ts';
import { isColumnType } from '../log/schema.ts';
import { parseStats } from '../log/stats.ts';
import { type BoundCondition, compareStored, mayMatchFile } from '../parquet/filter.ts';
import type { ScannedRow } from '../snapshot/scan.ts';

type Stored = string | number | bigint;

/** Collects the extremes and nulls of a file's columns and compares them with the file's statistics. */
export class FileBounds {
  readonly #seen = new Map<string, { min: Stored; max: Stored } | undefined>();
  readonly #nulls = new Map<string, number>();
  readonly #fields: readonly Field[];
  readonly #stats: string | undefined;

  /** `stats` is the text in the file's `add`. */
  constructor(fields: readonly Field[], stats: string | undefined) {
    this.#fields = fields.filter(({ type }) => isColumnType(type) && type !== 'binary' && type !== 'boolean');
    this.#stats = stats;
  }

  take(rows: readonly ScannedRow[]): void {
    for (const { name } of this.#fields) {
      let bounds = this.#seen.get(name);
      let nulls = 0;
      for (const row of rows) {
        const value = row[name] as Stored | null | undefined;
        if (value === null || value === undefined) nulls++;
        else if (bounds === undefined) bounds = { min: value, max: value };
        else if (compareStored(value, bounds.min) < 0) bounds.min = value;
        else if (compareStored(value, bounds.max) > 0) bounds.max = value;
      }
      this.#seen.set(name, bounds);
      this.#nulls.set(name, (this.#nulls.get(name) ?? 0) + nulls);
    }
  }

  /** Statistics that would make a reader skip rows, or miscount nulls; `rows` is the file's row count. */
  *faults(rows: number): Generator<string> {
    const { nullCount } = parseStats(this.#stats);
    for (const field of this.#fields) {
      const bounds = this.#seen.get(field.name);
      const misses = (value: Stored): boolean => {
        const condition: BoundCondition = { field, anyOf: [value], above: undefined, below: undefined };
        return !mayMatchFile(this.#stats, [condition]);
      };
      if (bounds && (misses(bounds.min) || misses(bounds.max))) {
        yield `a query by ${field.name} would miss rows: their values are outside the statistics`;
      }
      const logged = nullCount[field.name];
      const nulls = this.#nulls.get(field.name) ?? rows;
      if (typeof logged === 'number' && logged !== nulls && rows > 0) {
        yield `${field.name} is null ${nulls} times; the log says ${logged}`;
      }
    }
  }
}

/** BigQuery refuses columns that begin so. */
const RESERVED_PREFIX = /^(_table_|_file_|_partition|_row_timestamp|__root__|_colidentifier)/i;
const MAX_LENGTH = 128;

/** A name that every engine accepts: ASCII letters, digits and underscores, not beginning with a digit. */
export function sqlName(text: string): string {
  const plain = text.replaceAll(/[^A-Za-z0-9_]/gu, '_').slice(0, MAX_LENGTH);
  if (plain === '') return '_';
  return /^\d/.test(plain) || RESERVED_PREFIX.test(plain) ? `f_${plain}` : plain;
}

/** Gives out names that differ in more than case: engines ignore it. The second of two equal names ends with `_2`. */
export class NameRegister {
  readonly #taken: Set<string>;

  constructor(reserved: readonly string[] = []) {
    this.#taken = new Set(reserved.map((name) => name.toLowerCase()));
  }

  take(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name.toLowerCase()); count++) name = `${wanted}_${count}`;
    this.#taken.add(name.toLowerCase());
    return name;
  }

  has(name: string): boolean {
    return this.#taken.has(name.toLowerCase());
  }
}

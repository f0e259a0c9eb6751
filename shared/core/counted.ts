/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/**
 * A number with its noun: `1 file`, `12,345 files`, `2 deliveries`.
 * @param many the plural, for nouns that do not just take an `s`
 */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

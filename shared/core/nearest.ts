/**
 * The most similar name, to suggest for a typo; undefined if each differs by more than `most` letters (default: a
 * third of its letters).
 */
export function nearest(
  name: string,
  names: Iterable<string>,
  most = Math.floor(name.length / 3),
): string | undefined {
  let best: string | undefined;
  let least = most + 1;
  for (const other of names) {
    // the difference in length alone is too large
    if (Math.abs(other.length - name.length) >= least) continue;
    const changes = changesBetween(name, other);
    if (changes < least) [best, least] = [other, changes];
  }
  return best;
}

/** Levenshtein distance: letters to insert, delete or replace. */
function changesBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      line.push(Math.min(replaced, above[column]! + 1, line[column - 1]! + 1));
    }
    above = line;
  }
  return above[b.length]!;
}

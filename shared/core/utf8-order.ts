const HIGH = /[\ud800-\uffff]/;

/**
 * Compares two texts by their UTF-8 bytes, as Parquet, Delta and Cloud Storage do. JavaScript's `<` compares UTF-16
 * units, which puts surrogate pairs before U+E000 to U+FFFF.
 */
export function compareUtf8(left: string, right: string): number {
  // both orders agree below the surrogates, and the test of a text of Latin letters is free
  if (!HIGH.test(left) && !HIGH.test(right)) return left < right ? -1 : left > right ? 1 : 0;
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

/** Moves surrogates above the rest of the basic plane. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

import type { JsonNode } from './json-text.ts';

/**
 * The canonical text (RFC 8785) of a JSON value: members sorted by their names' UTF-16 code units, no space,
 * and each number and string in one form, so that the same content gives the same text however it was written.
 * RFC 8785 is for I-JSON (RFC 7493) alone; two things that it leaves out are told apart here all the same:
 * numbers that a double cannot hold, and lone surrogates, which stay escaped.
 */
export function canonicalJson(text: string, node: JsonNode): string {
  const literal = (): string => text.slice(node.start, node.end);
  switch (node.kind) {
    case 'null':
    case 'boolean':
      return literal();
    case 'number':
      return canonicalNumber(literal());
    case 'string':
      return JSON.stringify(JSON.parse(literal()));
    case 'array':
      return `[${node.items.map((item) => canonicalJson(text, item)).join(',')}]`;
    case 'object': {
      const names = [...node.members.keys()].sort();
      const members = names.map(
        (name) => `${JSON.stringify(name)}:${canonicalJson(text, node.members.get(name)!)}`,
      );
      return `{${members.join(',')}}`;
    }
  }
}

/**
 * As ECMAScript writes the nearest double: `1.0`, `1e0` and `1` are all `1`, and so is what differs from it by
 * less than a double can tell. Whole numbers are different: identifiers of more than 53 bits are common, and one
 * that no double holds (9007199254740993) would share the id of its neighbour, so it keeps all its digits. So does
 * what is out of range (1e400).
 */
export function canonicalNumber(literal: string): string {
  const value = Number(literal);
  const short = String(value);
  if (short === literal) return short;
  // RFC 8785: minus zero is zero
  if (value === 0) return '0';
  const isExact = Number.isFinite(value) && (!Number.isInteger(value) || wholeOf(literal) === wholeOf(short));
  return isExact ? short : (wholeOf(literal) ?? (Number.isFinite(value) ? short : literal));
}

/** Digits of a whole number, the same for every spelling of it; undefined for a number with a fraction. */
function wholeOf(literal: string): string | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]\+?(-?\d+))?$/.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  const zeros = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  if (zeros < 0n) return undefined;
  // nobody writes out the zeros of 1e999999999
  return zeros <= 1_000n
    ? `${sign}${significant}${'0'.repeat(Number(zeros))}`
    : `${sign}${significant}e${zeros}`;
}

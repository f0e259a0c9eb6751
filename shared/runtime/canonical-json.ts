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
 * As ECMAScript writes the number where that is the number: `1.0`, `1e0` and `1` are all `1`. A literal that no
 * double stands for (9007199254740993, 1e400, 0.1000000000000000055) would share the form of its neighbours and
 * so the id of another event: it is written out, as digits without zeros at either end and an exponent.
 */
export function canonicalNumber(literal: string): string {
  const value = Number(literal);
  const short = String(value);
  if (short === literal) return short;
  // RFC 8785: minus zero is zero
  if (Number.isFinite(value) && exactForm(short) === exactForm(literal)) return short === '-0' ? '0' : short;
  return exactForm(literal);
}

/** One form for one value: `-?digits` and `e` with the power of ten of the last digit; zero is `0`. */
function exactForm(literal: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]\+?(-?\d+))?$/.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return '0';
  const significant = digits.replace(/0+$/, '');
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}

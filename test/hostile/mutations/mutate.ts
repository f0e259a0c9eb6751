export type Random = () => number;

/** A random integer from 0 to below `end`. */
export function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[below(random, items.length)] as T;
}

/** Texts that trip up parsers: range limits, names of methods, syntax, invalid Unicode. */
export const NASTY_TOKENS: readonly string[] = [
  '',
  '0',
  '-1',
  '-0',
  '1e999',
  '1e-999',
  '4294967295',
  '4294967296',
  '-2147483649',
  '9007199254740993',
  '18446744073709551616',
  '9'.repeat(400),
  `1${'0'.repeat(5_000)}1`,
  `1e${'9'.repeat(300)}`,
  'NaN',
  'null',
  'true',
  '{}',
  '[]',
  '""',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '\u0000',
  '\u2028',
  '\u202e',
  '\ufeff',
  '\r\n',
  '__proto__',
  'constructor',
  'toString',
  '%',
  '%00',
  '%ff',
  '../../etc/passwd',
  '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[',
  '{"a":'.repeat(100),
  '"\\'.repeat(60),
  'A'.repeat(9_000),
];

/** Returns a copy with one to four changes: bits, bytes, cuts, repeats, splices with `other`, numbers, tokens. */
export function mutateBytes(
  input: Uint8Array,
  other: Uint8Array,
  random: Random,
  tokens: readonly string[] = NASTY_TOKENS,
): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let changes = 1 + below(random, 4); changes > 0; changes--) {
    const change = pick(random, CHANGES);
    bytes = change(bytes, Buffer.from(other), random, tokens);
  }
  return bytes;
}

type Change = (bytes: Buffer, other: Buffer, random: Random, tokens: readonly string[]) => Buffer;

const CHANGES: readonly Change[] = [
  function flipBit(bytes, _other, random) {
    const at = below(random, bytes.length);
    if (bytes.length > 0) bytes[at]! ^= 1 << below(random, 8);
    return bytes;
  },
  function setByte(bytes, _other, random) {
    const value = pick(random, [0, 1, 0x7f, 0x80, 0xff, below(random, 256)]);
    if (bytes.length > 0) bytes[below(random, bytes.length)] = value;
    return bytes;
  },
  function truncate(bytes, _other, random) {
    return bytes.subarray(0, below(random, bytes.length + 1));
  },
  function drop(bytes, _other, random) {
    const [from, to] = part(bytes, random);
    return replace(bytes, from, to, Buffer.alloc(0));
  },
  function repeat(bytes, _other, random) {
    const [from, to] = part(bytes, random);
    const times = 1 + below(random, 5);
    return replace(bytes, to, to, Buffer.concat(Array(times).fill(bytes.subarray(from, to))));
  },
  function splice(bytes, other, random) {
    const [from, to] = part(bytes, random);
    const [otherFrom, otherTo] = part(other, random);
    return replace(bytes, from, to, other.subarray(otherFrom, otherTo));
  },
  function insertToken(bytes, _other, random, tokens) {
    const at = below(random, bytes.length + 1);
    return replace(bytes, at, at, Buffer.from(pick(random, tokens)));
  },
  function replaceByToken(bytes, _other, random, tokens) {
    const [from, to] = part(bytes, random);
    return replace(bytes, from, to, Buffer.from(pick(random, tokens)));
  },
  function changeInteger(bytes, _other, random) {
    const width = pick(random, [1, 2, 4]);
    if (bytes.length < width) return bytes;
    const at = below(random, bytes.length - width + 1);
    const most = 2 ** (8 * width) - 1;
    const value = pick(random, [0, 1, most, (most + 1) / 2, most - 1, below(random, most + 1)]);
    if (random() < 0.5) bytes.writeUIntBE(value, at, width);
    else bytes.writeUIntLE(value, at, width);
    return bytes;
  },
  function changeDecimal(bytes, _other, random, tokens) {
    const start = below(random, bytes.length);
    const isDigit = (at: number): boolean => bytes[at]! >= 0x30 && bytes[at]! <= 0x39;
    for (let at = start; at < Math.min(bytes.length, start + 2_000); at++) {
      if (!isDigit(at)) continue;
      let end = at;
      while (end < bytes.length && isDigit(end)) end++;
      const numbers = tokens.filter((token) => /^-?\d/.test(token));
      const digits = numbers.length > 0 ? pick(random, numbers) : '0';
      return replace(bytes, at, end, Buffer.from(digits));
    }
    return bytes;
  },
];

/** A random part: often short, sometimes long. */
function part(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = below(random, bytes.length + 1);
  const most = bytes.length - from;
  const length = random() < 0.7 ? below(random, Math.min(most, 16) + 1) : below(random, most + 1);
  return [from, from + length];
}

/** Size limit of a mutant, however often parts are repeated. */
const MAX_BYTES = 4 * 1024 * 1024;

function replace(bytes: Buffer, from: number, to: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]).subarray(0, MAX_BYTES);
}

/** A copy of a JSON value with one to three changes: members dropped, doubled, renamed, replaced, nested, moved. */
export function mutateJson(
  input: unknown,
  random: Random,
  tokens: readonly string[] = NASTY_TOKENS,
): unknown {
  let value = structuredClone(input);
  for (let changes = 1 + below(random, 3); changes > 0; changes--) {
    const places = placesIn(value);
    const place = pick(random, places);
    const found = place === undefined ? value : place.parent[place.key];
    const changed = changeValue(found, random, tokens, () => {
      const from = pick(random, places);
      return structuredClone(from === undefined ? value : from.parent[from.key]);
    });
    if (place === undefined) value = changed;
    else if (random() < 0.15) delete place.parent[place.key];
    else if (random() < 0.1) place.parent[pick(random, tokens)] = changed;
    else place.parent[place.key] = changed;
  }
  return value;
}

type Parent = Record<string, unknown>;

function placesIn(root: unknown): ({ parent: Parent; key: string } | undefined)[] {
  const places: ({ parent: Parent; key: string } | undefined)[] = [undefined];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      places.push({ parent: value as Parent, key });
      visit(item);
    }
  };
  visit(root);
  return places;
}

function changeValue(
  value: unknown,
  random: Random,
  tokens: readonly string[],
  another: () => unknown,
): unknown {
  const kind = below(random, 8);
  if (kind === 0) return structuredClone(pick(random, VALUES));
  if (kind === 1) return pick(random, tokens);
  if (kind === 2) return another();
  if (kind === 3) return [value];
  if (kind === 4) return { [pick(random, tokens)]: value };
  if (typeof value === 'string') {
    return mutateBytes(Buffer.from(value), Buffer.from(pick(random, tokens)), random, tokens).toString();
  }
  if (typeof value === 'number') return pick(random, [-value, value * 1e300, value + 0.5, 2 ** 53, -1, 0]);
  return structuredClone(pick(random, VALUES));
}

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  'x',
  [],
  {},
  [null],
  { a: { b: [] } },
  Array.from({ length: 300 }, () => 0),
];

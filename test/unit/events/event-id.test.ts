import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJsonText } from '../../../shared/core/json-text.ts';
import { sha256 } from '../../../shared/core/sha256.ts';
import { canonicalHash, canonicalJson } from '../../../shared/events/canonical-json.ts';
import { canonicalNumber } from '../../../shared/events/canonical-number.ts';

const canonical = (text: string): string => canonicalJson(text, readJsonText(text, { maxDepth: 100 }));

test('the content hash is the hash of its canonical text', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      const document = readJsonText(text, { maxDepth: 100 });
      expect(canonicalHash(text, document)).toBe(sha256(canonicalJson(text, document)));
    }),
    { seed: 8785, numRuns: 500 },
  );
  // longer than one chunk of the hash
  const text = JSON.stringify({ b: 'é'.repeat(50_000), a: Array(20_000).fill([1, '\u0000']) });
  const document = readJsonText(text, { maxDepth: 100 });
  expect(canonicalHash(text, document)).toBe(sha256(canonicalJson(text, document)));
});

test('the example of RFC 8785, section 3.2.3', () => {
  const text = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  expect(canonical(text)).toBe(
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test('names are sorted by UTF-16 code units: RFC 8785, section 3.2.3', () => {
  const text = String.raw`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`;
  expect(Object.values(JSON.parse(canonical(text).replaceAll(/"[^"]*":/g, (name) => name)))).toHaveLength(7);
  expect([...canonical(text).matchAll(/:(\d)/g)].map(([, digit]) => digit).join('')).toBe('2467153');
});

test.each([
  // one value, many spellings
  ['1', '1'],
  ['1.0', '1'],
  ['1e0', '1'],
  ['10e-1', '1'],
  ['0', '0'],
  ['-0', '0'],
  ['-0.0e7', '0'],
  ['0.10', '0.1'],
  ['1e21', '1e+21'],
  ['1000000000000000000000', '1e+21'],
  ['9007199254740992', '9007199254740992'],
  ['9007199254740992.0', '9007199254740992'],
  ['5e-324', '5e-324'],
  // within the precision of a double
  ['333333333.33333329', '333333333.3333333'],
  ['0.10000000000000001', '0.1'],
  ['1e-400', '0'],
  // whole numbers that no double holds, and those out of range
  ['9007199254740993', '9007199254740993'],
  ['9007199254740993.0', '9007199254740993'],
  ['-90071992547409930e-1', '-9007199254740993'],
  ['12345678901234567890', '12345678901234567890'],
  ['1e400', `1${'0'.repeat(400)}`],
  ['10e399', `1${'0'.repeat(400)}`],
  ['1e99999999999999999999', '1e99999999999999999999'],
  // the exponent is incremented as text
  ['10e99999999999999999999', '1e100000000000000000000'],
  ['0.1e100000000000000000000', '1e99999999999999999999'],
  ['-1.5e00012345678901234567890', '-15e12345678901234567889'],
  ['15e-99999999999999999999', '0'],
])('the number %s is %s', (literal, form) => {
  expect(canonicalNumber(literal)).toBe(form);
});

test('integers share a form exactly if they are the same number', () => {
  const digits = fc.oneof(fc.bigInt(-(10n ** 24n), 10n ** 24n), fc.bigInt(2n ** 53n, 2n ** 53n + 8n));
  const spelling = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.constantFrom('', '.0', '.000'));
  const write = (value: bigint, [zeros, tail]: [number, string]): string =>
    tail === '' ? `${value * 10n ** BigInt(zeros)}e-${zeros}` : `${value}${tail}`;
  fc.assert(
    fc.property(digits, digits, spelling, spelling, (a, b, first, second) => {
      expect(canonicalNumber(write(a, first)) === canonicalNumber(write(b, second))).toBe(a === b);
    }),
    { seed: 8785, numRuns: 2_000 },
  );
});

test('for what JSON.stringify can write, key order, spaces and escapes do not matter', () => {
  const shuffled = (value: unknown, random: () => number): string => {
    const space = (): string => ' \n\t'.slice(0, Math.floor(random() * 4));
    if (Array.isArray(value))
      return `[${value.map((item) => space() + shuffled(item, random)).join(',')}${space()}]`;
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).sort(() => random() - 0.5);
      const members = entries.map(
        ([name, item]) => `${space()}${text(name, random)}:${shuffled(item, random)}`,
      );
      return `{${members.join(',')}${space()}}`;
    }
    return typeof value === 'string' ? text(value, random) : JSON.stringify(value);
  };
  const text = (value: string, random: () => number): string => {
    const escaped = [...value].map((char) => {
      const code = char.charCodeAt(0);
      return char.length === 1 && random() < 0.3
        ? `\\u${code.toString(16).padStart(4, '0')}`
        : JSON.stringify(char).slice(1, -1);
    });
    return `"${escaped.join('')}"`;
  };
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (value, stream) => {
        const random = (): number => stream.next().value as number;
        expect(canonical(shuffled(value, random))).toBe(canonical(JSON.stringify(value)));
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

test('different content has a different text', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
      const isSame = canonical(left) === canonical(right);
      expect(isSame).toBe(
        JSON.stringify(sorted(JSON.parse(left))) === JSON.stringify(sorted(JSON.parse(right))),
      );
    }),
    { seed: 2, numRuns: 500 },
  );
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  // a list, because an object would put numeric names first
  return {
    members: Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  };
}

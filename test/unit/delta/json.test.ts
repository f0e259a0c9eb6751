import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson, stringifyJson } from '../../../shared/delta/json.ts';
import { anyText } from '../../helpers/any-text.ts';

describe('integers that a double cannot hold', () => {
  test('are parsed as BigInt, others as numbers', () => {
    const text = '{"small":9007199254740991,"big":9007199254740993,"min":-9223372036854775808,"f":1e300}';
    expect(parseJson(text)).toEqual({
      small: 9_007_199_254_740_991,
      big: 9_007_199_254_740_993n,
      min: -9_223_372_036_854_775_808n,
      f: 1e300,
    });
  });

  test('are written as digits', () => {
    expect(stringifyJson({ a: 9_223_372_036_854_775_807n, b: [1n, 2, undefined], c: undefined })).toBe(
      '{"a":9223372036854775807,"b":[1,2,null]}',
    );
  });

  test('digits inside texts stay texts, escapes and all', () => {
    const value = {
      note: 'order 12345678901234567890 "quoted" \\ back\\"',
      'key 12345678901234567890': '\u0000😀',
    };
    expect(parseJson(JSON.stringify(value))).toEqual(value);
  });

  test('fractions and exponents of many digits stay doubles', () => {
    expect(parseJson('[1234567890123456789.5, 12345678901234567890e0]')).toEqual([
      1.2345678901234568e18, 1.2345678901234567e19,
    ]);
  });
});

test('any JSON value survives a round trip', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      anyText(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((n) => !Number.isSafeInteger(Number(n))),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .filter((n) => !Object.is(n, -0) && (!Number.isInteger(n) || Number.isSafeInteger(n))),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(anyText(), tie('any'), { maxKeys: 4 }),
    ),
  })).any;
  fc.assert(
    fc.property(value, (sample) => {
      const text = stringifyJson([sample, '1234567890123456789']);
      expect(parseJson(text)).toEqual([sample, '1234567890123456789']);
    }),
    { seed: 7, numRuns: 200 },
  );
});

describe('broken JSON with long digits in it', () => {
  test.each([
    '{"a":12345678901234567',
    '[12345678901234567,]',
    '{"a" 12345678901234567}',
    '[12345678901234567] x',
    '"12345678901234567',
    '{12345678901234567:1}',
    '[+12345678901234567]',
    '[12345678901234567 1]',
    '12345678901234567e',
  ])('%s is refused', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  test('nesting has a limit, so that the stack does not overflow', () => {
    expect(() => parseJson(`${'['.repeat(100_000)}12345678901234567`)).toThrow(/deeper than 200/);
  });

  test('__proto__ is a member like any other', () => {
    const parsed = parseJson('{"__proto__":{"polluted":1},"n":12345678901234567}');
    expect(Object.getOwnPropertyNames(parsed)).toEqual(['__proto__', 'n']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

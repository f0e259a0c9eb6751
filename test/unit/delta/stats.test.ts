import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareUtf8 } from '../../../shared/core/utf8-order.ts';
import { parseSchema, schemaStringOf } from '../../../shared/delta/log/schema.ts';
import { lowerBound, mergeStats, parseStats, statsOf, upperBound } from '../../../shared/delta/log/stats.ts';
import { anyText } from '../../helpers/any-text.ts';

const fields = parseSchema(
  schemaStringOf([
    { name: 's', type: 'string' },
    { name: 'n', type: 'long' },
    { name: 't', type: 'timestamp' },
    { name: 'd', type: 'date' },
    { name: 'x', type: 'double' },
    { name: 'b', type: 'boolean' },
    { name: 'bin', type: 'binary' },
  ]),
);

test('one of each type: floor and ceiling of timestamps, exact int64, none for booleans and binaries', () => {
  const stats = statsOf(fields, [
    ['b', null, 'a'],
    [9_223_372_036_854_775_807n, -5n, null],
    [1_700_000_000_000_001n, 1_700_000_000_000_999n, null],
    [0, 20_000, null],
    [1.5, -2, null],
    [true, false, null],
    [new Uint8Array([1]), null, null],
  ]);
  expect(stats).toBe(
    '{"numRecords":3,"minValues":{"s":"a","n":-5,"t":"2023-11-14T22:13:20.000Z","d":"1970-01-01","x":-2},' +
      '"maxValues":{"s":"b","n":9223372036854775807,"t":"2023-11-14T22:13:20.001Z","d":"2024-10-04","x":1.5},' +
      '"nullCount":{"s":1,"n":1,"t":1,"d":1,"x":1,"b":1,"bin":2}}',
  );
});

test('times before 1970 are floored and ceiled, too, not truncated towards zero', () => {
  const at = fields.slice(2, 3);
  const { minValues, maxValues } = parseStats(statsOf(at, [[-1n]]));
  expect([minValues.t, maxValues.t]).toEqual(['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00.000Z']);
});

const END_9999 = 253_402_300_800_000_000n;

test.each([
  [END_9999 - 1n, '9999-12-31T23:59:59.999999Z'],
  [END_9999 - 1_000n, '9999-12-31T23:59:59.999999Z'],
  [END_9999 - 2_000n, '9999-12-31T23:59:59.998Z'],
  [-62_135_596_800_000_000n, '0001-01-01T00:00:00.000Z'],
])('a time at the edge of the range has a bound at or above it: %s', (micros, expected) => {
  const at = fields.slice(2, 3);
  expect(parseStats(statsOf(at, [[micros]])).maxValues.t).toBe(expected);
  expect(parseStats(statsOf(at, [[micros]])).minValues.t).toBeDefined();
});

test('a column of nulls has no bounds, nor do NaN and years that no reader supports', () => {
  const { minValues, maxValues } = parseStats(
    statsOf(fields, [
      [null, null],
      [null, null],
      [2n ** 62n, 1n],
      [null, 9e8],
      [Number.NaN, 1],
      [null, null],
      [null, null],
    ]),
  );
  expect([minValues, maxValues]).toEqual([{ t: '1970-01-01T00:00:00.000Z' }, {}]);
});

describe('bounds of long texts', () => {
  test('are cut at 32 characters, with a tie-breaker on the maximum', () => {
    const text = 'a'.repeat(40);
    expect(lowerBound(text)).toBe('a'.repeat(32));
    expect(upperBound(text)).toBe(`${'a'.repeat(32)}\u007f`);
  });

  test('never split a surrogate pair', () => {
    const text = `${'a'.repeat(31)}😀😀`;
    expect(lowerBound(text)).toBe('a'.repeat(31));
    expect(upperBound(text)).toBe(`${'a'.repeat(31)}\u{10ffff}`);
  });

  test('a text with no tie-breaker above it has its prefix incremented', () => {
    expect(upperBound(`${'a'.repeat(32)}\u{10ffff}tail`)).toBe(`${'a'.repeat(31)}b`);
    expect(upperBound(`a${'\u{10ffff}'.repeat(20)}`)).toBe('b');
    expect(upperBound(`\ud7ff${'\u{10ffff}'.repeat(20)}`)).toBe('\ue000');
    const highest = '\u{10ffff}'.repeat(20);
    expect(upperBound(highest)).toBe(highest);
  });

  test('a column has bounds, however long its texts are', () => {
    const strings = fields.slice(0, 1);
    const long = `y${'x'.repeat(100_000)}`;
    const { minValues, maxValues } = parseStats(statsOf(strings, [[long, 'z', long]]));
    expect([minValues.s, maxValues.s]).toEqual([long.slice(0, 32), 'z']);
    const stats = statsOf(strings, [[long]]);
    expect(parseStats(stats).maxValues.s).toBe(`${long.slice(0, 32)}\u007f`);
    expect(stats.length).toBeLessThan(200);
  });

  test('enclose every text, in the order of UTF-8', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 20, maxLength: 50 });
    fc.assert(
      fc.property(text, (sample) => {
        expect(compareUtf8(lowerBound(sample), sample)).toBeLessThanOrEqual(0);
        expect(compareUtf8(upperBound(sample), sample)).toBeGreaterThanOrEqual(0);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

test('texts compare as their UTF-8 bytes do, where UTF-16 would differ', () => {
  expect('\uffff' < '😀').toBe(false);
  expect(compareUtf8('\uffff', '😀')).toBeLessThan(0);
  const any = anyText(6);
  fc.assert(
    fc.property(any, any, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { seed: 5, numRuns: 1_000 },
  );
});

test('statistics of the parts merge into those of the whole', () => {
  const columns = [
    ['m', null, 'z', 'a'],
    [1n, 2n, 3n, null],
    [1_000_001n, 5n, null, 999n],
    [1, 2, null, null],
    [1, 0, 7, null],
    [null, null, true, null],
    [null, null, null, null],
  ];
  const part = (from: number, to: number): string =>
    statsOf(
      fields,
      columns.map((column) => column.slice(from, to)),
    );
  const merged = parseStats(mergeStats(fields, [part(0, 2), part(2, 3), part(3, 4)]));
  expect(merged).toEqual(parseStats(statsOf(fields, columns)));
});

test('foreign or broken statistics only prune less', () => {
  expect(parseStats('{"numRecords":')).toEqual({
    numRecords: undefined,
    minValues: {},
    maxValues: {},
    nullCount: {},
  });
  expect(parseStats('[]').numRecords).toBeUndefined();
  expect(parseStats(undefined).minValues).toEqual({});
});

import { expect, test } from 'vitest';
import { codecOf, decompressors } from '../../../shared/delta/parquet/codec.ts';

/** Compressed by Node 24's zlib. */
const ZSTD = [
  'KLUv/WDSBEUGACLNGxDApXDG8f/bLjclZdr9qLgEgP////8zMzMzM7Zt23bbtm1LkiRJbtu2bZIkSZKIiIiISERERMTH5TQM',
  'wxD/////zMzMzIxt27bdtm3bkiRJktu2bZskSZIkIiIiIhIRERERH5eThDAICACDMAgIAoDGqCC8fQPAk0KrARAaz8e73/ve',
  'd7/73e9+973v/e6336lJRqAsPP+D5JPsSb2ewCEDBhgwwIABBgwwYIABw5EIZB/bWMVCLMMStgk2UO7u3Tt8LLel',
].join('');

const ROWS = Array.from({ length: 200 }, (_, i) => `row ${i};`).join('');

test('zstd is read on every version of Node, native or not', () => {
  const read = decompressors.ZSTD?.(Buffer.from(ZSTD, 'base64'), ROWS.length);
  expect(Buffer.from(read ?? []).toString()).toBe(ROWS);
});

test('truncated zstd is an error, not a short page', () => {
  const whole = Buffer.from(ZSTD, 'base64');
  expect(() => decompressors.ZSTD?.(whole.subarray(0, 100), ROWS.length)).toThrow();
});

test.each([
  ['none', 'uncompressed'],
  ['UNCOMPRESSED', 'uncompressed'],
  ['Snappy', 'snappy'],
  ['gzip', 'gzip'],
] as const)('a table that asks for %s gets %s', (property, codec) => {
  expect(codecOf(property)).toBe(codec);
});

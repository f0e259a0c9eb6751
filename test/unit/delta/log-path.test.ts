import { describe, expect, test } from 'vitest';
import {
  checkpointPath,
  commitPath,
  decodeDataPath,
  encodeDataPath,
  newDataPath,
  parseLogFile,
} from '../../../shared/delta/log/paths.ts';

test('versions are padded to twenty digits, so that names sort like numbers', () => {
  expect(commitPath(42)).toBe('_delta_log/00000000000000000042.json');
  expect(checkpointPath(42)).toBe('_delta_log/00000000000000000042.checkpoint.parquet');
});

describe('names in the log folder', () => {
  test.each([
    ['00000000000000000007.json', { kind: 'commit', version: 7 }],
    ['00000000000000000010.checkpoint.parquet', { kind: 'checkpoint', version: 10 }],
    [
      '00000000000000000010.checkpoint.0000000002.0000000003.parquet',
      { kind: 'checkpoint-part', version: 10, part: 2, parts: 3 },
    ],
    [
      '00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json',
      { kind: 'v2-checkpoint', version: 10 },
    ],
    ['00000000000000000010.crc', { kind: 'checksum', version: 10 }],
    ['00000000000000000004.00000000000000000006.compacted.json', { kind: 'compacted', version: 4, to: 6 }],
    ['_last_checkpoint', undefined],
    ['7.json', undefined],
    ['00000000000000000007.json.tmp', undefined],
    ['99999999999999999999.json', undefined],
    ['_staged_commits/00000000000000000000.3a0d65cd.json', undefined],
  ])('%s', (name, expected) => {
    expect(parseLogFile(name)).toEqual(expected);
  });
});

describe('data file paths', () => {
  test.each([
    ['region=a%20b/part-1.parquet', 'region=a b/part-1.parquet'],
    ['p=%C3%BC%252F/x', 'p=ü%2F/x'],
    ['plain.parquet', 'plain.parquet'],
  ])('%s is %s', (encoded, decoded) => {
    expect(decodeDataPath(encoded)).toBe(decoded);
    expect(decodeDataPath(encodeDataPath(decoded))).toBe(decoded);
  });

  test.each([
    ['s3://elsewhere/part.parquet', 'unsupported-table'],
    ['file:/etc/passwd', 'unsupported-table'],
    ['/absolute/part.parquet', 'unsupported-table'],
    ['../other/part.parquet', 'corrupt-table'],
    ['a/%2e%2e/%2e%2e/b', 'corrupt-table'],
    ['a//b', 'corrupt-table'],
    ['', 'corrupt-table'],
    ['bad%zz', 'corrupt-table'],
    ['bad%ff', 'corrupt-table'],
  ])('%s is refused as %s', (path, code) => {
    expect(() => decodeDataPath(path)).toThrow(expect.objectContaining({ code }));
  });

  test('new names are unique and contain the codec', () => {
    const names = new Set(Array.from({ length: 100 }, () => newDataPath('zstd')));
    expect(names.size).toBe(100);
    expect([...names][0]).toMatch(/^part-00000-[0-9a-f-]{36}-c000\.zstd\.parquet$/);
  });
});

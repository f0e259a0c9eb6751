import { describe, expect, it } from 'vitest';
import { formatTimestamp, parseTimestamp } from '../../../../functions/video/moments/timestamp.ts';

describe('parseTimestamp', () => {
  it.each([
    ['00:05', 5],
    ['01:05', 65],
    ['1:05', 65],
    ['61:05', 3_665],
    ['120:00', 7_200],
    ['00:05.300', 5.3],
    ['00:05.3', 5.3],
    ['00:00.041666667', 0.041666667],
    ['0:01:05', 65],
    ['1:01:05', 3_665],
    ['01:01:05.250', 3_665.25],
    ['65', 65],
    ['65.5', 65.5],
    ['65s', 65],
    ['65.5 s', 65.5],
    ['0', 0],
    ['  00:05 \n', 5],
    [65, 65],
    [65.5, 65.5],
    [0, 0],
  ])('%j is %d s', (text, seconds) => {
    expect(parseTimestamp(text)).toBe(seconds);
  });

  it.each([
    '',
    '-00:05',
    '-5',
    '00:-5',
    '00:60',
    '00:99',
    '1:60:00',
    '00:5',
    '5:',
    ':05',
    '00:05.',
    '00:05:00:00',
    '00:05-00:07',
    'five',
    'NaN',
    'Infinity',
    '1e3',
    '0x10',
    '9999999',
    '999:59:59',
    '٠٠:٠٥',
    `${'0'.repeat(100_000)}5`,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e12,
    true,
    null,
    undefined,
    ['00:05'],
    { seconds: 5 },
  ])('%j is not a time', (value) => {
    expect(parseTimestamp(value)).toBeUndefined();
  });
});

describe('formatTimestamp', () => {
  it.each([
    [0, '00m00.000s'],
    [5.3, '00m05.300s'],
    [59.9996, '01m00.000s'],
    [65.0415, '01m05.042s'],
    [3_665.25, '61m05.250s'],
  ])('%d s is %s', (seconds, text) => {
    expect(formatTimestamp(seconds)).toBe(text);
  });

  it('sorts in order of time', () => {
    const times = [599.5, 5.25, 61, 3_600, 59.999, 0];
    expect(times.map(formatTimestamp).sort()).toEqual([
      '00m00.000s',
      '00m05.250s',
      '00m59.999s',
      '01m01.000s',
      '09m59.500s',
      '60m00.000s',
    ]);
  });
});

import { expect, test } from 'vitest';
import { growthOf, type Measured, superlinear, superlinearAmong } from '../../helpers/growth.ts';
import { HOSTILE } from '../../helpers/hostile-texts.ts';

/** The hostile suite continues to 10 MB; quadratic work on 100 kB takes seconds already. */
const SIZES = [1e4, 1e5];

test('up to 100 kB, every parser takes time in proportion to its input, or refuses it by size', async () => {
  expect(await superlinearAmong(HOSTILE, SIZES)).toEqual([]);
}, 300_000);

test('quadratic work is found; sorting and short work are not', () => {
  const of = (...times: number[]): number => superlinear(measureTimes(times)).length;
  expect(of(0.1, 10, 1_000)).toBe(0);
  expect(of(1, 100, 10_000)).toBe(1);
  expect(of(30, 400, 5_000)).toBe(0);
  expect(of(1, 1, 11_000)).toBe(1);
});

function measureTimes(times: readonly number[]): Measured[] {
  return times.map((ms, index) => ({ size: 10 ** (index + 3), ms, growth: growthOf(ms, times[index - 1]) }));
}

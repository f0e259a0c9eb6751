import { expect, test } from 'vitest';
import { growthOf, line, type Measured, measure, superlinear } from '../../helpers/growth.ts';
import { HOSTILE } from '../../helpers/hostile-texts.ts';

/** The hostile suite continues to 10 MB. */
const SIZES = [1e4, 1e5, 1e6];

test('up to 1 MB, every parser takes time in proportion to its input, or refuses it by size', async () => {
  const found: string[] = [];
  for (const hostile of HOSTILE) {
    const measured = measure(hostile, SIZES);
    process.stdout.write(`${line(hostile.name, measured)}\n`);
    if (superlinear(measured).length > 0) found.push(line(hostile.name, measured));
    // lets the test runner's messages through
    await new Promise(setImmediate);
  }
  expect(found).toEqual([]);
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

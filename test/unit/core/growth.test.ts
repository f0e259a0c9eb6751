import { expect, test } from 'vitest';
import { growthOf, line, type Measured, measure, superlinear } from '../../helpers/growth.ts';
import { HOSTILE } from '../../helpers/hostile-texts.ts';

/** The hostile suite goes on to 10 MB. */
const SIZES = [1e4, 1e5, 1e6];

test('up to 1 MB, no parser takes more than in proportion, or it refuses by size', async () => {
  const found: string[] = [];
  for (const hostile of HOSTILE) {
    const measured = measure(hostile, SIZES);
    process.stdout.write(`${line(hostile.name, measured)}\n`);
    if (superlinear(measured).length > 0) found.push(line(hostile.name, measured));
    // so that the test's own messages get through
    await new Promise(setImmediate);
  }
  expect(found).toEqual([]);
}, 300_000);

test('what grows with the square of the input is found, what sorts or is short is not', () => {
  const of = (...times: number[]): number => superlinear(measureTimes(times)).length;
  expect(of(0.1, 10, 1_000)).toBe(0);
  expect(of(1, 100, 10_000)).toBe(1);
  expect(of(30, 400, 5_000)).toBe(0);
  expect(of(1, 1, 11_000)).toBe(1);
});

function measureTimes(times: readonly number[]): Measured[] {
  return times.map((ms, index) => ({ size: 10 ** (index + 3), ms, growth: growthOf(ms, times[index - 1]) }));
}

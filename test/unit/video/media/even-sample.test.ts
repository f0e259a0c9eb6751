import { expect, test } from 'vitest';
import { EvenSample } from '../../../../functions/video/media/even-sample.ts';

function sampled(count: number, limit: number): number[] {
  const sample = new EvenSample<number>(limit);
  for (let item = 1; item <= count; item++) sample.add(item);
  return sample.preceded(0);
}

test('no more than the limit: all of them, in order', () => {
  expect(sampled(4, 5)).toEqual([0, 1, 2, 3, 4]);
});

test('one more: as even as possible, both ends kept', () => {
  expect(sampled(5, 5)).toEqual([0, 1, 3, 4, 5]);
});

test('many more: evenly spread, the first kept', () => {
  const kept = sampled(1_000, 6);
  expect(kept).toHaveLength(6);
  expect(kept[0]).toBe(0);
  const gaps = kept.slice(1).map((item, index) => item - kept[index]!);
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThan(150);
});

test('a limit of one is the first', () => {
  expect(sampled(10, 1)).toEqual([0]);
});

import { expect, test } from 'vitest';
import { FrameClock } from '../../../../functions/video/media/frame-clock.ts';

const NTSC = new FrameClock({ num: 1, den: 30_000 }, 2_002);

test('a frame starts at its timestamp, counted from the first displayed one', () => {
  expect(NTSC.seconds(2_002)).toBe(0);
  expect(NTSC.seconds(2_002 + 1_001 * 150)).toBeCloseTo(5.005, 12);
});

test('a time that is a frame boundary in decimals means that boundary', () => {
  // 5.005 * 30000 is 150149.99999999997.
  expect(NTSC.ptsAt(5.005)).toBe(2_002 + 150_150);
  for (let frame = 0; frame < 2_000; frame++) {
    expect(NTSC.ptsAt((frame * 1_001) / 30_000)).toBe(2_002 + frame * 1_001);
  }
});

test('a tenth of a millisecond before it does not', () => {
  expect(NTSC.ptsAt(5.0049)).toBe(2_002 + 150_147);
});

test('the container’s own clock is what -ss is told', () => {
  expect(NTSC.containerSeconds(2_002 + 30_000)).toBeCloseTo(1.066733, 6);
});

test('a stretch of time takes at least one tick', () => {
  const slow = new FrameClock({ num: 1, den: 25 }, 0);
  expect([slow.ticks(0.001), slow.ticks(0.06), slow.ticks(1)]).toEqual([1, 2, 25]);
});

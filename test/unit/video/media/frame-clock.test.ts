import { expect, test } from 'vitest';
import { FrameClock } from '../../../../functions/video/media/frame-clock.ts';

const NTSC = new FrameClock({ num: 1, den: 30_000 }, 2_002);

test('a frame starts at its timestamp, counted from the first displayed one', () => {
  expect(NTSC.seconds(2_002)).toBe(0);
  expect(NTSC.seconds(2_002 + 1_001 * 150)).toBeCloseTo(5.005, 12);
});

/** The frame on display at the last timestamp that a time means. */
const frameAt = (seconds: number): number => Math.floor((NTSC.ptsAt(seconds) - 2_002) / 1_001);

test('a time that is a frame boundary in decimals means that boundary', () => {
  // 5.005 * 30000 is 150149.99999999997.
  expect(frameAt(5.005)).toBe(150);
  for (let frame = 0; frame < 2_000; frame++) expect(frameAt((frame * 1_001) / 30_000)).toBe(frame);
});

test('a time in whole milliseconds means the frame from which it was rounded', () => {
  for (let frame = 0; frame < 2_000; frame++) {
    expect(frameAt(Number(((frame * 1_001) / 30_000).toFixed(3)))).toBe(frame);
  }
  expect([frameAt(5.0046), frameAt(5.0044)]).toEqual([150, 149]);
});

test('that tolerance is never half a frame: at 2,000 per second, a quarter of a millisecond', () => {
  const fast = new FrameClock({ num: 1, den: 1_000_000 }, 0, 2_000);
  expect([fast.ptsAt(0.001), fast.ptsAt(0.0012)]).toEqual([1_250, 1_450]);
});

test('-ss gets the container’s own clock', () => {
  expect(NTSC.containerSeconds(2_002 + 30_000)).toBeCloseTo(1.066733, 6);
});

test('an interval takes at least one tick', () => {
  const slow = new FrameClock({ num: 1, den: 25 }, 0);
  expect([slow.ticks(0.001), slow.ticks(0.06), slow.ticks(1)]).toEqual([1, 2, 25]);
});

import { expect, test } from 'vitest';
import { abruptChange } from '../../../../functions/video/media/abrupt-change.ts';
import type { VideoFrame } from '../../../../functions/video/media/video-file.ts';

/** One picture per number: a grey of this level, with a small square of 255 - level. */
function frames(...levels: number[]): VideoFrame[] {
  return levels.map((level, time) => {
    const rgb = new Uint8Array(64 * 36 * 3).fill(100);
    for (let y = 10; y < 20; y++) rgb.fill(level, (y * 64 + 20) * 3, (y * 64 + 34) * 3);
    return { time, width: 64, height: 36, rgb };
  });
}

test.each([
  ['one step', [100, 101, 99, 200, 201, 200], 3],
  ['a step at the second frame', [100, 200, 200], 1],
  ['a step at the last frame', [100, 100, 100, 200], 3],
  ['a step with a little movement after it', [100, 100, 180, 190, 200], 2],
  ['two frames', [100, 200], 1],
  ['noise alone', [100, 101, 102, 101], undefined],
  ['a slow fade', [100, 120, 140, 160, 180, 200], undefined],
  ['there and back, and there again', [100, 200, 100, 200], undefined],
  ['a flash before the change', [100, 250, 100, 200], undefined],
  ['one frame', [100], undefined],
] as const)('%s', (_, levels, at) => {
  expect(abruptChange(frames(...levels))).toBe(at);
});

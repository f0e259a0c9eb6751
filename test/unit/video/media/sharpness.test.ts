import { describe, expect, test } from 'vitest';
import { nearEqual, sharpest, sharpness } from '../../../../functions/video/media/sharpness.ts';
import type { VideoFrame } from '../../../../functions/video/media/video-file.ts';

/** Stripes with edges softened over this many pixels. */
function stripes(time: number, softness: number, shift = 0): VideoFrame {
  const [width, height] = [96, 64];
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    const wave = Math.sin((((at % width) + shift) * Math.PI) / 8);
    const level = 128 + 90 * Math.max(-1, Math.min(1, (wave * 8) / softness));
    rgb.fill(level, at * 3, at * 3 + 3);
  }
  return { time, width, height, rgb };
}

describe('the sharpest', () => {
  test('of a blurred, a sharp and a soft frame is the sharp one', () => {
    const frames = [stripes(0, 8), stripes(1, 1), stripes(2, 4)];
    expect(sharpest(frames).time).toBe(1);
    expect(sharpness(frames[1]!)).toBeGreaterThan(2 * sharpness(frames[0]!));
  });

  test('of equals is the first', () => {
    expect(sharpest([stripes(3, 2), stripes(4, 2)]).time).toBe(3);
  });

  test('a flat frame has no sharpness, nor has one too small for it', () => {
    const flat = { time: 0, width: 8, height: 8, rgb: new Uint8Array(8 * 8 * 3).fill(90) };
    expect([sharpness(flat), sharpness({ ...flat, width: 2, height: 2 })]).toEqual([0, 0]);
  });
});

describe('near-equal', () => {
  test('are a frame and the same one with a little noise', () => {
    const frame = stripes(0, 4);
    const noisy = { ...frame, rgb: frame.rgb.map((level, at) => level + ((at * 7) % 5) - 2) };
    expect(nearEqual(frame, noisy)).toBe(true);
  });

  test('are not two frames between which something moved', () => {
    expect(nearEqual(stripes(0, 4), stripes(1, 4, 6))).toBe(false);
  });

  test('are not two frames of which one shows a small new thing', () => {
    const frame = stripes(0, 4);
    const dotted = { ...frame, rgb: Uint8Array.from(frame.rgb) };
    for (let y = 20; y < 28; y++) dotted.rgb.fill(255, (y * 96 + 40) * 3, (y * 96 + 48) * 3);
    expect(nearEqual(frame, dotted)).toBe(false);
  });

  test('are not frames of two sizes', () => {
    const frame = stripes(0, 4);
    expect(nearEqual(frame, { ...frame, width: 64, height: 96 })).toBe(false);
  });
});

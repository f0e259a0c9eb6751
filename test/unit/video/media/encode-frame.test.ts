import { describe, expect, test } from 'vitest';
import { encodeFrame } from '../../../../functions/video/media/encode-frame.ts';
import { loadSharp } from '../../../../functions/video/media/load-sharp.ts';
import type { VideoFrame } from '../../../../functions/video/media/video-file.ts';

const sharp = await loadSharp();

/** A frame with the left half in one colour, the right half in another. */
function halves(width: number, height: number, time = 0): VideoFrame {
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    rgb.set(at % width < width / 2 ? [200, 40, 60] : [20, 90, 220], at * 3);
  }
  return { time, width, height, rgb };
}

async function pixel(image: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
}

describe('a frame as a file', () => {
  test('png keeps every pixel', async () => {
    const frame = halves(101, 57);
    const image = await encodeFrame(frame, { format: 'png' });
    expect(image).toMatchObject({ contentType: 'image/png', extension: 'png', width: 101, height: 57 });
    const { data } = await sharp(image.bytes).raw().toBuffer({ resolveWithObject: true });
    expect(Buffer.from(frame.rgb).equals(data)).toBe(true);
  });

  test.each([
    ['jpeg', 'image/jpeg', 'jpg'],
    ['webp', 'image/webp', 'webp'],
    ['avif', 'image/avif', 'avif'],
  ] as const)('%s comes near', async (format, contentType, extension) => {
    const image = await encodeFrame(halves(96, 64), { format, quality: 90 });
    expect(image).toMatchObject({ contentType, extension, width: 96, height: 64 });
    const [red, green, blue] = await pixel(image.bytes, 10, 30);
    expect([Math.abs(red! - 200) < 8, Math.abs(green! - 40) < 8, Math.abs(blue! - 60) < 8]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('a width scales down proportionally, never up', async () => {
    const frame = halves(200, 100);
    expect(await encodeFrame(frame, { format: 'png', width: 50 })).toMatchObject({ width: 50, height: 25 });
    expect(await encodeFrame(frame, { format: 'png', width: 900 })).toMatchObject({
      width: 200,
      height: 100,
    });
  });

  test('the same frame gives the same bytes', async () => {
    const [one, other] = await Promise.all([
      encodeFrame(halves(40, 30), { format: 'png' }),
      encodeFrame(halves(40, 30), { format: 'png' }),
    ]);
    expect(Buffer.from(one.bytes).equals(other.bytes)).toBe(true);
  });
});

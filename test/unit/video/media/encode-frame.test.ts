import { describe, expect, test } from 'vitest';
import { contactSheet } from '../../../../functions/video/media/contact-sheet.ts';
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

describe('a contact sheet', () => {
  test('six frames: two rows of four cells, each with a frame and its time below', async () => {
    const frames = Array.from({ length: 6 }, (_, index) => halves(80, 40, index / 25));
    const sheet = await contactSheet(frames);
    // Four columns of 80 + 6 and a margin of 6; two rows of 40 + 18 + 6 and a margin of 6.
    expect(sheet).toMatchObject({ contentType: 'image/png', width: 350, height: 134 });
    expect(await pixel(sheet.bytes, 6, 6)).toEqual([200, 40, 60]);
    expect(await pixel(sheet.bytes, 6 + 79, 6)).toEqual([20, 90, 220]);
    expect(await pixel(sheet.bytes, 6 + 86, 6 + 64)).toEqual([200, 40, 60]);
    // "0.000 s" starts with the top left dot of its first zero.
    expect(await pixel(sheet.bytes, 6, 6 + 40 + 5)).toEqual([0xdd, 0xdd, 0xdd]);
    // The cells after the sixth are empty.
    expect(await pixel(sheet.bytes, 6 + 2 * 86 + 10, 6 + 64 + 10)).toEqual([24, 24, 26]);
  });

  test('one frame is a sheet of one', async () => {
    expect(await contactSheet([halves(80, 40)])).toMatchObject({ width: 92, height: 70 });
  });
});

import { describe, expect, test } from 'vitest';
import { notDone, refusedTwice, refuseSlow } from '../../../../functions/video/media/decoding-cost.ts';
import {
  bytesPerPixel,
  decodingBytes,
  type PictureCost,
  planMemory,
} from '../../../../functions/video/media/decoding-memory.ts';

const MiB = 1024 ** 2;
const EIGHT_K = { width: 7_680, height: 4_320 };
const RGB = 7_680 * 4_320 * 3;

const cost = (codec: string, pixelFormat: string, references: number | undefined): PictureCost => ({
  ...EIGHT_K,
  ...{ codec, pixelFormat, references, outputsHeld: 2 },
  outputBytes: pixelFormat.includes('10') && codec === 'hevc' ? 2 * RGB : RGB,
});

describe('memory of decoding', () => {
  // MiB of resident memory with one thread of ffmpeg 5.1, measured
  test.each([
    ['h264', 'yuv420p', 16, 1_527],
    ['h264', 'yuv420p', 1, 503],
    ['hevc', 'yuv420p10le', 5, 1_377],
    ['hevc', 'yuv420p', 5, 814],
    ['av1', 'yuv420p10le', undefined, 850],
  ])('%s %s with %s references is within a fifth of the measured value', (codec, format, references, mib) => {
    const estimated = decodingBytes(cost(codec, format, references), 1) / MiB;
    expect(estimated / mib).toBeGreaterThan(0.8);
    expect(estimated / mib).toBeLessThan(1.25);
  });

  test('a video that does not fit is refused with both numbers', () => {
    expect(() => planMemory(cost('h264', 'yuv420p', 16), 1_024 * MiB, 2)).toThrow(
      /^decoding h264 yuv420p of 7680 x 4320 pixels with 16 reference frames needs \d{4} MiB of memory, but this instance has 1024 MiB$/,
    );
  });

  test('one thread is used if two do not fit', () => {
    expect(planMemory(cost('h264', 'yuv420p', 1), 900 * MiB, 2).threads).toBe(1);
    expect(planMemory(cost('h264', 'yuv420p', 1), 4_096 * MiB, 2).threads).toBe(2);
  });

  test('ordinary pictures fit into 1 GiB with the maximum number of references', () => {
    const hd = {
      ...cost('h264', 'yuv420p', 16),
      width: 1_920,
      height: 1_080,
      outputBytes: 1_920 * 1_080 * 3,
    };
    expect(planMemory(hd, 1_024 * MiB, 2).threads).toBe(2);
    const hdr = {
      ...cost('hevc', 'yuv420p10le', 6),
      width: 3_840,
      height: 2_160,
      outputBytes: 3_840 * 2_160 * 6,
    };
    expect(planMemory({ ...hdr, outputsHeld: 4 }, 1_024 * MiB, 2).threads).toBe(2);
  });

  test.each([
    ['yuv420p', 1.5],
    ['yuvj444p', 3],
    ['yuv444p12le', 6],
    ['yuva444p10le', 8],
    ['yuv411p', 1.5],
    ['gbrp', 3],
    ['gray10le', 2],
    ['pal8', 1],
    ['nobody knows', 8],
  ])('%s has %s bytes per pixel', (format, bytes) => {
    expect(bytesPerPixel(format)).toBe(bytes);
  });
});

describe('time of decoding', () => {
  test('300 s at 1,000 frames per second with one keyframe can be decoded, 600 s cannot', () => {
    const small = { width: 160, height: 90 };
    expect(() => refuseSlow(300_000, small, 60)).not.toThrow();
    expect(() => refuseSlow(600_000, small, 60)).toThrow(
      /^a frame must need at most 441176 samples of 160 x 90 pixels since its keyframe, got 600000: no more can be decoded in 60 s$/,
    );
  });

  test('a second identical time-out is a refusal; one after another failure is not', () => {
    const error = notDone(60);
    expect(refusedTwice(error, [{ code: 'unavailable', message: '503' }])).toBeUndefined();
    expect(refusedTwice(error, [{ code: 'timeout', message: error.message }])).toMatchObject({
      code: 'too-costly',
      message:
        'decoding failed twice in the same way: ffmpeg did not finish within 60 s, the time limit of one command',
    });
  });
});

import { describe, expect, test } from 'vitest';
import { contactSheet, timeLabel } from '../../../../functions/video/media/contact-sheet.ts';
import { loadSharp } from '../../../../functions/video/media/load-sharp.ts';
import { sheetFrames } from '../../../../functions/video/media/sheet-frames.ts';
import type { VideoFile, VideoFrame } from '../../../../functions/video/media/video-file.ts';
import { oneColorVideo } from '../../../helpers/one-color-video.ts';

const sharp = await loadSharp();
const CHOSEN = [255, 191, 0];
const EMPTY = [24, 24, 26];

function frame(time: number, width = 140, height = 80): VideoFrame {
  return { time, width, height, rgb: new Uint8Array(width * height * 3).fill(90) };
}

/** 25 frames a second for three seconds. */
function video(frameRate = 25, frames = 75): VideoFile {
  const base = oneColorVideo();
  return {
    ...base,
    facts: { ...base.facts, frameRate, durationSeconds: frames / frameRate },
    async framesAt(times, width = 140) {
      return times.map((time) => {
        const number = Math.max(0, Math.min(frames - 1, Math.floor(time * frameRate + 0.01)));
        return frame(number / frameRate, width);
      });
    },
  };
}

const timesOf = async (file: VideoFile, time: number) =>
  (await sheetFrames(file, time, undefined)).map((cell) => cell && Number(cell.time.toFixed(3)));

describe('the frames of a sheet', () => {
  test('the chosen one is in the middle, the others are whole frames and evenly spaced', async () => {
    expect(await timesOf(video(), 1.48)).toEqual([0.52, 0.76, 1, 1.24, 1.48, 1.72, 1.96, 2.2, 2.44]);
  });

  test('cells before the first frame and after the last one stay empty', async () => {
    const none = undefined;
    expect(await timesOf(video(), 0.24)).toEqual([none, none, none, 0, 0.24, 0.48, 0.72, 0.96, 1.2]);
    expect(await timesOf(video(), 2.96)).toEqual([2, 2.24, 2.48, 2.72, 2.96, none, none, none, none]);
    expect(await timesOf(video(25, 1), 0)).toEqual([none, none, none, none, 0, none, none, none, none]);
  });

  test('at two frames a second, neighbours are one frame apart', async () => {
    expect(await timesOf(video(2, 20), 5)).toEqual([3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7]);
  });
});

describe('a contact sheet', () => {
  const cells = Array.from({ length: 9 }, (_, index) => (index === 0 ? undefined : frame(index)));

  test('has three rows of three, the middle one marked, a time below each', async () => {
    const sheet = await contactSheet(cells, { format: 'png' });
    // 140 + 8 a column and a margin of 8; 80 + 8 + 13 dots a row and a margin of 8
    expect(sheet).toMatchObject({ contentType: 'image/png', width: 452, height: 311 });
    const { data, info } = await sharp(sheet.bytes).raw().toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3).subarray(0, 3)];
    expect(at(8 + 70, 8 + 40)).toEqual(EMPTY);
    expect(at(8 + 148 + 70, 8 + 40)).toEqual([90, 90, 90]);
    for (const [x, y] of [
      [8 + 148 - 3, 8 + 101 + 40],
      [8 + 148 + 140 + 2, 8 + 101 + 40],
      [8 + 148 + 70, 8 + 101 - 3],
    ] as const) {
      expect(at(x, y)).toEqual(CHOSEN);
    }
    expect(at(8 + 148 - 3, 8 + 40)).toEqual(EMPTY);
  });

  test('comes in the format asked for', async () => {
    const sheet = await contactSheet(cells, { format: 'webp' });
    expect(sheet).toMatchObject({ contentType: 'image/webp', extension: 'webp', width: 452 });
  });

  test('is as wide as asked for, to the pixels that three cells leave over', async () => {
    for (const width of [96, 640, 1_281, 4_096]) {
      const sheet = await contactSheet(await sheetFrames(video(), 1, width), { format: 'jpeg' });
      expect(width - sheet.width).toBeGreaterThanOrEqual(0);
      expect(width - sheet.width).toBeLessThan(3);
    }
  });
});

test.each([
  [0, '0.000 s'],
  [59.9994, '59.999 s'],
  [59.9996, '1:00.000'],
  [2_704.84, '45:04.840'],
])('%f s is written as %s', (seconds, text) => {
  expect(timeLabel(seconds)).toBe(text);
});

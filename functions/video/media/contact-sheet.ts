import type { EncodedImage } from './encode-frame.ts';
import { loadSharp } from './load-sharp.ts';
import type { VideoFrame } from './video-file.ts';

const GAP = 6;
const LABEL_HEIGHT = 18;
const MAX_COLUMNS = 4;
const BACKGROUND = { r: 24, g: 24, b: 26 };
/** Pixels per dot of a digit's pattern. */
const DOT = 2;

/** Each digit as five rows of three dots, so that no font is needed. */
const GLYPHS: Readonly<Record<string, string>> = {
  '0': '111101101101111',
  '1': '010110010010111',
  '2': '111001111100111',
  '3': '111001111001111',
  '4': '101101111001001',
  '5': '111100111001111',
  '6': '111100111101111',
  '7': '111001001001001',
  '8': '111101111101111',
  '9': '111101111001111',
  '.': '000000000000010',
  s: '000011110011110',
  ' ': '000000000000000',
};

/**
 * Tiles frames of one size row by row in the given order, with the time of each below it, as a PNG. Takes one or
 * more frames.
 */
export async function contactSheet(frames: readonly VideoFrame[]): Promise<EncodedImage> {
  const first = frames[0];
  if (!first) throw new RangeError('contactSheet: frames must be at least 1, got 0');
  const columns = Math.min(MAX_COLUMNS, frames.length);
  const rows = Math.ceil(frames.length / columns);
  const cell = { width: first.width + GAP, height: first.height + LABEL_HEIGHT + GAP };
  const width = columns * cell.width + GAP;
  const height = rows * cell.height + GAP;
  const sheet = Buffer.alloc(width * height * 3, Buffer.from([BACKGROUND.r, BACKGROUND.g, BACKGROUND.b]));
  for (const [index, frame] of frames.entries()) {
    const left = GAP + (index % columns) * cell.width;
    const top = GAP + Math.floor(index / columns) * cell.height;
    paste(sheet, width, frame, left, top, first);
    label(sheet, width, `${frame.time.toFixed(3)} s`, left, top + first.height + 5, first.width);
  }
  const sharp = await loadSharp();
  const bytes = await sharp(sheet, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
  return { bytes, contentType: 'image/png', extension: 'png', width, height };
}

function paste(
  sheet: Buffer,
  sheetWidth: number,
  frame: VideoFrame,
  left: number,
  top: number,
  size: { width: number; height: number },
): void {
  const columns = Math.min(frame.width, size.width);
  for (let y = 0; y < Math.min(frame.height, size.height); y++) {
    const row = frame.rgb.subarray(y * frame.width * 3, (y * frame.width + columns) * 3);
    sheet.set(row, ((top + y) * sheetWidth + left) * 3);
  }
}

function label(
  sheet: Buffer,
  sheetWidth: number,
  text: string,
  left: number,
  top: number,
  room: number,
): void {
  for (const [position, character] of [...text].entries()) {
    const at = left + position * 4 * DOT;
    if (at + 3 * DOT > left + room) return;
    for (const [dot, on] of [...(GLYPHS[character] ?? '')].entries()) {
      if (on !== '1') continue;
      for (let y = 0; y < DOT; y++) {
        const row = top + Math.floor(dot / 3) * DOT + y;
        const start = (row * sheetWidth + at + (dot % 3) * DOT) * 3;
        sheet.fill(0xdd, start, start + DOT * 3);
      }
    }
  }
}

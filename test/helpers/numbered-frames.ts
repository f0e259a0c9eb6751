import type { VideoFrame } from '../../functions/video/media/video-file.ts';

/**
 * Pictures that encode their own number: the upper half is a row of columns, white or black, for
 * "white, black, nine bits of the number, parity". The lower half moves, so that codecs have work to do.
 */
const BITS = 9;
const COLUMNS = BITS + 3;

export const MAX_NUMBER = 2 ** BITS - 1;

/** Packed 8-bit RGB. */
export function numberedFrame(number: number, width: number, height: number): Buffer {
  const columns = columnsOf(number);
  const frame = Buffer.alloc(width * height * 3);
  const half = Math.ceil(height / 2);
  for (let x = 0; x < width; x++) {
    const level = columns[Math.floor((x * COLUMNS) / width)] ? 255 : 0;
    frame.fill(level, x * 3, x * 3 + 3);
  }
  for (let y = 1; y < half; y++) frame.copy(frame, y * width * 3, 0, width * 3);
  for (let y = half; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      frame[at] = (x * 2 + number * 6) % 256;
      frame[at + 1] = (y * 3 + number * 4) % 256;
      frame[at + 2] = ((x + y) * 2) % 256;
    }
  }
  return frame;
}

/** The number in the picture, or a text that says why it cannot be read. */
export function readFrameNumber(frame: VideoFrame): number | string {
  const columns = Array.from({ length: COLUMNS }, (_, column) => {
    const levels = [0.35, 0.5, 0.65].flatMap((across) =>
      [0.15, 0.25, 0.35].map((down) => {
        const x = Math.floor(((column + across) * frame.width) / COLUMNS);
        const y = Math.floor(down * frame.height);
        return frame.rgb[(y * frame.width + x) * 3 + 1]!;
      }),
    );
    return levels.reduce((sum, level) => sum + level, 0) / levels.length;
  });
  const seen = columns.map((level) => (level >= 128 ? '1' : '0')).join('');
  if (columns.some((level) => level > 90 && level < 165)) return `unclear: ${columns.map(Math.round)}`;
  const number = Number.parseInt(seen.slice(2, 2 + BITS), 2);
  return columnsOf(number)
    .map((on) => (on ? '1' : '0'))
    .join('') === seen
    ? number
    : `no number: ${seen}`;
}

function columnsOf(number: number): boolean[] {
  const bits = number
    .toString(2)
    .padStart(BITS, '0')
    .split('')
    .map((bit) => bit === '1');
  return [true, false, ...bits, bits.filter(Boolean).length % 2 === 0];
}

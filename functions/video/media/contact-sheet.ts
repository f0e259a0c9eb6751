import { dotsOf, TEXT_ROWS, textColumns } from './dot-text.ts';
import { type EncodedImage, type EncodeFrameOptions, encodeFrame } from './encode-frame.ts';
import type { VideoFrame } from './video-file.ts';

/** Pixels between cells and around them. */
export const SHEET_GAP = 8;
export const SHEET_COLUMNS = 3;
/** Thickness of the border around the chosen frame, less than the gap; its inner part is dark, as some frames are light. */
const BORDER = 6;
const INNER = 2;

type Color = readonly [red: number, green: number, blue: number];
const BACKGROUND: Color = [24, 24, 26];
const TEXT: Color = [225, 225, 228];
const CHOSEN: Color = [255, 191, 0];

interface Sheet {
  rgb: Buffer;
  width: number;
  height: number;
}

/**
 * Tiles frames of one size row by row, each with its time below, as one image. The middle one is the chosen frame:
 * it has a border. Undefined leaves a cell empty.
 */
export async function contactSheet(
  cells: readonly (VideoFrame | undefined)[],
  options: Omit<EncodeFrameOptions, 'width'>,
): Promise<EncodedImage> {
  const middle = Math.floor(cells.length / 2);
  const chosen = cells[middle];
  if (!chosen) throw new RangeError('contactSheet: the middle cell must be a frame, got none');
  const dot = dotSize(chosen.width);
  const cell = {
    width: chosen.width + SHEET_GAP,
    height: chosen.height + SHEET_GAP + (TEXT_ROWS + 6) * dot,
  };
  const columns = Math.min(SHEET_COLUMNS, cells.length);
  const width = columns * cell.width + SHEET_GAP;
  const height = Math.ceil(cells.length / columns) * cell.height + SHEET_GAP;
  const sheet: Sheet = { rgb: Buffer.alloc(width * height * 3, Buffer.from(BACKGROUND)), width, height };
  for (const [index, frame] of cells.entries()) {
    if (!frame) continue;
    const left = SHEET_GAP + (index % columns) * cell.width;
    const top = SHEET_GAP + Math.floor(index / columns) * cell.height;
    const isChosen = index === middle;
    if (isChosen) {
      for (const [side, color] of [
        [BORDER, CHOSEN],
        [INNER, BACKGROUND],
      ] as const) {
        fill(sheet, left - side, top - side, chosen.width + 2 * side, chosen.height + 2 * side, color);
      }
    }
    paste(sheet, frame, left, top, chosen);
    const text = timeLabel(frame.time);
    const start = left + Math.max(0, Math.floor((chosen.width - textColumns(text) * dot) / 2));
    const baseline = top + chosen.height + BORDER + 2 * dot;
    for (const { column, row } of dotsOf(text)) {
      const color = isChosen ? CHOSEN : TEXT;
      fill(sheet, start + column * dot, baseline + row * dot, dot, dot, color);
    }
  }
  return encodeFrame({ time: chosen.time, width, height, rgb: sheet.rgb }, options);
}

/** `4.840 s`, and from a minute on `1:04.840`. */
export function timeLabel(seconds: number): string {
  const total = Math.round(seconds * 1_000);
  if (total < 60_000) return `${(total / 1_000).toFixed(3)} s`;
  const rest = ((total % 60_000) / 1_000).toFixed(3).padStart(6, '0');
  return `${Math.floor(total / 60_000)}:${rest}`;
}

/** Pixels a dot: letters about a twentieth of the cell high, and never so large that a label does not fit. */
function dotSize(cellWidth: number): number {
  const fitting = Math.floor(cellWidth / textColumns('0000:00.000'));
  return Math.max(1, Math.min(fitting, Math.round(cellWidth / 140)));
}

function paste(
  sheet: Sheet,
  frame: VideoFrame,
  left: number,
  top: number,
  size: { width: number; height: number },
): void {
  const columns = Math.min(frame.width, size.width);
  for (let y = 0; y < Math.min(frame.height, size.height); y++) {
    const row = frame.rgb.subarray(y * frame.width * 3, (y * frame.width + columns) * 3);
    sheet.rgb.set(row, ((top + y) * sheet.width + left) * 3);
  }
}

/** Fills a rectangle, as far as it is on the sheet. */
function fill(sheet: Sheet, left: number, top: number, width: number, height: number, color: Color): void {
  const [from, to] = [Math.max(0, left), Math.min(sheet.width, left + width)];
  if (from >= to) return;
  const pixels = Buffer.from(color);
  for (let y = Math.max(0, top); y < Math.min(sheet.height, top + height); y++) {
    sheet.rgb.fill(pixels, (y * sheet.width + from) * 3, (y * sheet.width + to) * 3);
  }
}

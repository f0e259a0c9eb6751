import { gridOf } from './frame-grid.ts';
import type { VideoFrame } from './video-file.ts';

/** Mean difference of the grid's cells, in levels of 255, below which two frames show the same scene. */
const SAME_MEAN = 2.5;
/** Maximum difference of a single cell: beyond it something small has moved or appeared. */
const SAME_CELL = 16;

/** Variance of the Laplacian of luma: the higher, the sharper. Comparable only between frames of one size. */
export function sharpness(frame: VideoFrame): number {
  const { width, height } = frame;
  if (width < 3 || height < 3) return 0;
  const luma = lumaOf(frame);
  let sum = 0;
  let squares = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * width + 1; at < (y + 1) * width - 1; at++) {
      const edge = luma[at - width]! + luma[at + width]! + luma[at - 1]! + luma[at + 1]! - 4 * luma[at]!;
      sum += edge;
      squares += edge * edge;
    }
  }
  const count = (width - 2) * (height - 2);
  return squares / count - (sum / count) ** 2;
}

/** The sharpest of one or more frames; the first if equal. */
export function sharpest(frames: readonly VideoFrame[]): VideoFrame {
  let best = frames[0];
  if (!best) throw new RangeError('sharpest: frames must be at least 1, got 0');
  let most = sharpness(best);
  for (const frame of frames.slice(1)) {
    const found = sharpness(frame);
    if (found > most) [best, most] = [frame, found];
  }
  return best;
}

/** True if both show the same, give or take noise and blur. */
export function nearEqual(a: VideoFrame, b: VideoFrame): boolean {
  if (a.width !== b.width || a.height !== b.height) return false;
  const [cellsA, cellsB] = [gridOf(a), gridOf(b)];
  let sum = 0;
  for (const [index, cell] of cellsA.entries()) {
    const difference = Math.abs(cell - cellsB[index]!);
    if (difference > SAME_CELL) return false;
    sum += difference;
  }
  return sum / cellsA.length < SAME_MEAN;
}

/** Rec. 709 weights, in 256ths. */
function lumaOf({ width, height, rgb }: VideoFrame): Float32Array {
  const luma = new Float32Array(width * height);
  for (let at = 0; at < luma.length; at++) {
    luma[at] = (54 * rgb[at * 3]! + 183 * rgb[at * 3 + 1]! + 19 * rgb[at * 3 + 2]!) / 256;
  }
  return luma;
}

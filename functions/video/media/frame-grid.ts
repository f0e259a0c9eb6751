import type { VideoFrame } from './video-file.ts';

/** Side of the grid on which two frames are compared. */
const GRID = 24;
export const CHANNELS = 3;

/** Mean of each channel in each cell of a grid over the picture. */
export function gridOf({ width, height, rgb }: VideoFrame): Float64Array {
  const columns = Math.min(GRID, width);
  const rows = Math.min(GRID, height);
  const sums = new Float64Array(columns * rows * CHANNELS);
  const counts = new Float64Array(columns * rows);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height) * columns;
    for (let x = 0; x < width; x++) {
      const cell = row + Math.floor((x * columns) / width);
      const at = (y * width + x) * CHANNELS;
      counts[cell]!++;
      sums[cell * CHANNELS]! += rgb[at]!;
      sums[cell * CHANNELS + 1]! += rgb[at + 1]!;
      sums[cell * CHANNELS + 2]! += rgb[at + 2]!;
    }
  }
  return sums.map((sum, index) => sum / counts[Math.floor(index / CHANNELS)]!);
}

import { CHANNELS, gridOf } from './frame-grid.ts';
import type { VideoFrame } from './video-file.ts';

/** Levels of 255 below which a difference is noise of the camera or the codec. */
const NOISE = 6;
/** Share of the whole difference that one step must make up, and that every other step must stay below. */
const ABRUPT = 0.6;
const SLIGHT = 0.4;

/**
 * Index of the first frame after the one abrupt change in a run of consecutive frames; undefined if they are all
 * alike, or change gradually or more than once. Every frame before it looks like the first, every later one like the
 * last.
 */
export function abruptChange(frames: readonly VideoFrame[]): number | undefined {
  const grids = frames.map(gridOf);
  const [first, last] = [grids[0], grids.at(-1)];
  if (!first || !last || frames.length < 2) return undefined;
  const whole = difference(first, last);
  if (whole < NOISE) return undefined;
  const steps = grids.slice(1).map((grid, index) => difference(grids[index]!, grid));
  const largest = Math.max(...steps);
  const at = steps.indexOf(largest) + 1;
  if (largest < ABRUPT * whole) return undefined;
  if (steps.some((step, index) => index + 1 !== at && step > SLIGHT * largest)) return undefined;
  const inOrder = grids.every(
    (grid, index) => difference(grid, first) < difference(grid, last) === index < at,
  );
  return inOrder ? at : undefined;
}

/** Mean of the largest sixteenth of the cells' differences: something small that appears counts in full. */
function difference(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) return 255;
  const differences = a.map((level, index) => Math.abs(level - b[index]!)).sort();
  const counted = Math.max(CHANNELS, Math.floor(differences.length / 16));
  const largest = differences.subarray(-counted);
  return largest.reduce((sum, level) => sum + level, 0) / largest.length;
}

import { SHEET_COLUMNS, SHEET_GAP } from './contact-sheet.ts';
import type { VideoFile, VideoFrame } from './video-file.ts';

/** Cells of a sheet, an odd number: the chosen frame is in the middle. */
const CELLS = 9;
/** Seconds between two cells; rounded to whole frames, so that they are evenly spaced. */
const STEP_SECONDS = 0.25;

/**
 * The chosen frame, in the middle, and those before and after it at even distances. Undefined if there is no such
 * frame, before the first and after the last one. `width` is the whole sheet's.
 */
export async function sheetFrames(
  video: VideoFile,
  time: number,
  width: number | undefined,
): Promise<(VideoFrame | undefined)[]> {
  const middle = Math.floor(CELLS / 2);
  const step = stepSeconds(video.facts.frameRate);
  const times = Array.from({ length: CELLS }, (_, index) => time + (index - middle) * step);
  // half a millisecond before the start is the first frame's rounded time
  const first = times.findIndex((each) => each > -0.000_5);
  const cell = width === undefined ? undefined : cellWidth(width);
  const frames = await video.framesAt(times.slice(first), cell);
  return times.map((_, index) => {
    const frame = frames[index - first];
    return frame && frame.time !== frames[index - first - 1]?.time ? frame : undefined;
  });
}

function stepSeconds(frameRate: number | undefined): number {
  if (!frameRate) return STEP_SECONDS;
  return Math.max(1, Math.round(STEP_SECONDS * frameRate)) / frameRate;
}

function cellWidth(sheetWidth: number): number {
  return Math.max(1, Math.floor((sheetWidth - SHEET_GAP) / SHEET_COLUMNS) - SHEET_GAP);
}

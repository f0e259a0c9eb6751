import { abruptChange } from '../media/abrupt-change.ts';
import { nearEqual, sharpest } from '../media/sharpness.ts';
import type { VideoFile, VideoFrame } from '../media/video-file.ts';

/** Frames of one look between two stills. If there are more, the next look is closer. */
const MOST_FRAMES = 256;
const MOST_LOOKS = 4;
/** Wide enough to compare frames, and cheap. */
const WIDTH = 256;

/**
 * Start of the frame with which the picture changes from the still before to the named one. Costs one decode and no
 * request. Undefined if the change is gradual, so that only the model can choose.
 */
export async function changeBetween(
  file: VideoFile,
  before: number,
  named: number,
): Promise<number | undefined> {
  let [from, to] = [before, named];
  for (let look = 1; look <= MOST_LOOKS; look++) {
    const frames = await file.framesBetween(from, to, MOST_FRAMES, WIDTH);
    const at = abruptChange(frames);
    if (at === undefined) return undefined;
    const [last, first] = [frames[at - 1]!, frames[at]!];
    if (frames.length === 2 || areNeighbours(file, last, first)) return bestNear(frames, at).time;
    // some frames between were left out
    [from, to] = [last.time, first.time];
  }
  return undefined;
}

/** True if no frame lies between the two. */
export function areNeighbours({ facts }: VideoFile, one: VideoFrame, next: VideoFrame): boolean {
  return facts.frameRate !== undefined && next.time - one.time < 1.5 / facts.frameRate;
}

/** The sharpest of a frame and its two neighbours, as far as they show the same: at most one frame away. */
export function bestNear(frames: readonly VideoFrame[], index: number): VideoFrame {
  const frame = frames[index]!;
  const alike = [index - 1, index, index + 1].flatMap((at) => frames[at] ?? []);
  // the frame itself comes first, because the first of equals is taken
  return sharpest([frame, ...alike.filter((other) => other !== frame && nearEqual(other, frame))]);
}

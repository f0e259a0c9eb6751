import type { VideoFile, VideoFrame } from '../media/video-file.ts';

/**
 * At most `count` evenly spaced times within a window around `seconds`, which is one of them. A moment is sampled
 * after it begins, so an odd one lies before it. Times outside the video become its first and last.
 */
export function stillTimes(
  seconds: number,
  { windowSeconds, count }: { windowSeconds: number; count: number },
  durationSeconds = Number.POSITIVE_INFINITY,
): number[] {
  const step = windowSeconds / Math.max(1, count - 1);
  const middle = Math.min(seconds, durationSeconds);
  const before = Math.floor(count / 2);
  const times = Array.from({ length: count }, (_, index) => middle + (index - before) * step);
  return [...new Set(times.map((time) => Math.min(durationSeconds, Math.max(0, time))))];
}

/** The frames on display at these times, each once. */
export async function distinctFrames(
  file: VideoFile,
  times: readonly number[],
  width: number,
): Promise<VideoFrame[]> {
  const frames = await file.framesAt(times, width);
  return frames.filter((frame, index) => frame.time !== frames[index - 1]?.time);
}

import type { EncodedImage } from './encode-frame.ts';
import { loadSharp } from './load-sharp.ts';
import type { VideoFile, VideoFrame } from './video-file.ts';

/** Seconds before and after the moment. */
const SIDE_SECONDS = 1;
/** Frames per second; fewer if the video has fewer. */
const RATE = 10;

/** Evenly spaced frames around a time, in order, at most `width` wide. At least one. */
export async function previewFrames(video: VideoFile, time: number, width: number): Promise<VideoFrame[]> {
  const { durationSeconds = Number.POSITIVE_INFINITY, frameRate } = video.facts;
  const step = 1 / Math.min(RATE, frameRate || RATE);
  const from = Math.max(0, time - SIDE_SECONDS);
  const to = Math.max(from, Math.min(durationSeconds - step / 2, time + SIDE_SECONDS));
  const times = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
  return video.framesAt(times, width);
}

/** Milliseconds until the next frame; the last one is shown as long as the one before. */
function delayOf(_: VideoFrame, index: number, frames: readonly VideoFrame[]): number {
  const next = Math.min(index + 1, frames.length - 1);
  const seconds = (frames[next]?.time ?? 0) - (frames[next - 1]?.time ?? 0);
  return Math.max(20, Math.round(1_000 * (seconds > 0 ? seconds : 1 / RATE)));
}

/** One or more frames of one size as an animated WebP that repeats for ever, at the times of the frames. */
export async function animate(frames: readonly VideoFrame[], quality: number): Promise<EncodedImage> {
  const [first] = frames;
  if (!first) throw new RangeError('animate: frames must be at least 1, got 0');
  const { width, height } = first;
  const sharp = await loadSharp();
  const raw = { width, height: height * frames.length, channels: 3 as const, pageHeight: height };
  const bytes = await sharp(Buffer.concat(frames.map(({ rgb }) => rgb)), { raw })
    .webp({ quality, loop: 0, delay: frames.map(delayOf) })
    .toBuffer();
  return { bytes, contentType: 'image/webp', extension: 'webp', width, height };
}

import type { VisionPart } from '../../../shared/vision/vision-model.ts';
import type { VideoFrame } from '../media/video-file.ts';

/** Maximum width of a still, in pixels: enough to recognize a gesture, and few bytes. */
export const STILL_WIDTH = 512;

/** Each frame as an image, preceded by its number, from 1. */
export async function numberedStills(
  frames: readonly VideoFrame[],
  encode: (frame: VideoFrame) => Promise<Uint8Array>,
): Promise<VisionPart[]> {
  const images = await Promise.all(frames.map(encode));
  return images.flatMap((inline, index) => [
    { text: `Still ${index + 1}` },
    { inline, mimeType: 'image/jpeg' },
  ]);
}

/** Number of the named still; undefined if there is no such still. */
export function stillNumber(value: unknown, of: number): number | undefined {
  const number = typeof value === 'string' && /^\d{1,4}$/.test(value.trim()) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= of
    ? number
    : undefined;
}

import { loadSharp } from './load-sharp.ts';
import type { VideoFrame } from './video-file.ts';

/** Encodes a frame as a JPEG for the model only: small enough to send a dozen of them in one question. */
export async function encodeStill(frame: VideoFrame): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const raw = { width: frame.width, height: frame.height, channels: 3 as const };
  return sharp(frame.rgb, { raw }).jpeg({ quality: 80 }).toBuffer();
}

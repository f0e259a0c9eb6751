import { loadSharp } from './load-sharp.ts';
import type { VideoFrame } from './video-file.ts';

export type FrameFormat = 'png' | 'jpeg' | 'webp' | 'avif';

export interface EncodeFrameOptions {
  format: FrameFormat;
  /** Maximum width in pixels; a narrower frame stays as it is. */
  width?: number | undefined;
  /** 1 to 100, for lossy formats; each has sharp's own default. */
  quality?: number | undefined;
}

export interface EncodedImage {
  bytes: Uint8Array;
  contentType: string;
  /** Without the dot. */
  extension: string;
  width: number;
  height: number;
}

const EXTENSIONS: Readonly<Record<FrameFormat, string>> = {
  png: 'png',
  jpeg: 'jpg',
  webp: 'webp',
  avif: 'avif',
};

/** Encodes a frame as an image file tagged as sRGB. Equal frames give equal bytes. */
export async function encodeFrame(frame: VideoFrame, options: EncodeFrameOptions): Promise<EncodedImage> {
  const sharp = await loadSharp();
  const { format, width } = options;
  const quality = options.quality === undefined ? {} : { quality: options.quality };
  let image = sharp(frame.rgb, { raw: { width: frame.width, height: frame.height, channels: 3 } });
  if (width !== undefined && width < frame.width) image = image.resize({ width, kernel: 'lanczos3' });
  if (format === 'png') image = image.png({ compressionLevel: 6 });
  else if (format === 'jpeg') image = image.jpeg({ chromaSubsampling: '4:4:4', ...quality });
  else if (format === 'webp') image = image.webp(quality);
  else image = image.avif({ effort: 4, ...quality });
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  return {
    bytes: data,
    contentType: `image/${format}`,
    extension: EXTENSIONS[format],
    width: info.width,
    height: info.height,
  };
}

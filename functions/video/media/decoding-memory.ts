import { AppError } from '../../../shared/core/errors.ts';
import { mebibytes } from './decoding-cost.ts';

const MiB = 1024 * 1024;

/** Memory of this process besides ffmpeg and the pictures: itself, its clients, bytes kept between reads. */
const RESERVED_BYTES = 160 * MiB;
/** Memory of ffmpeg itself, without a picture: its libraries' data, demuxer, buffers. */
const FFMPEG_BYTES = 64 * MiB;
/** Pictures between decoder and filter, besides those kept for reference. */
const UNDER_WAY = 2;

export interface PictureCost {
  codec: string;
  /** Coded pixels. */
  width: number;
  height: number;
  /** ffmpeg's name of the decoded format: `yuv420p10le`. */
  pixelFormat: string;
  /** Reference frames as the stream states them; undefined if it does not. */
  references: number | undefined;
  /** Bytes of one frame as ffmpeg writes it. */
  outputBytes: number;
  /** Output frames that ffmpeg holds at a time, by version. */
  outputsHeld: number;
}

export interface MemoryPlan {
  threads: number;
  /** Memory that ffmpeg may use. */
  memoryBytes: number;
}

/** Memory limit of ffmpeg for a file about which nothing is known yet. */
export function probeMemory(instanceBytes: number): number {
  return Math.max(FFMPEG_BYTES, instanceBytes - RESERVED_BYTES);
}

/**
 * Threads and memory for decoding such pictures on an instance of this size: one thread if there is no memory for
 * more, since each thread of H.264 and HEVC keeps a picture and each of AV1 several. Throws `too-costly`, with both
 * numbers, if even that does not fit.
 */
export function planMemory(cost: PictureCost, instanceBytes: number, threads: number): MemoryPlan {
  // A frame as it arrives, its sRGB version, and the next of each while the last is still in use.
  const own = 2 * cost.outputBytes;
  const memoryBytes = instanceBytes - RESERVED_BYTES - own;
  if (decodingBytes(cost, threads) <= memoryBytes) return { threads, memoryBytes };
  const least = decodingBytes(cost, 1);
  if (least <= memoryBytes) return { threads: 1, memoryBytes };
  const { codec, width, height, pixelFormat } = cost;
  const picture = `${codec} ${pixelFormat} of ${width} x ${height} pixels with ${referencesOf(cost)} reference frames`;
  const needed = mebibytes(least + own + RESERVED_BYTES);
  throw new AppError(
    'too-costly',
    `decoding ${picture} needs ${needed} MiB of memory, but this instance has ${mebibytes(instanceBytes)} MiB`,
  );
}

/** Measured memory use of ffmpeg: docs/decoding-memory.md compares. */
export function decodingBytes(cost: PictureCost, threads: number): number {
  const pixels = align(cost.width) * align(cost.height);
  const perThread = cost.codec === 'av1' ? 3 : 1;
  const pictures =
    referencesOf(cost) + UNDER_WAY + (ordersFrames(cost.codec) ? 1 : 0) + (threads - 1) * perThread;
  const picture = pixels * (bytesPerPixel(cost.pixelFormat) + sideBytes(cost.codec));
  return FFMPEG_BYTES + pictures * picture + cost.outputsHeld * cost.outputBytes;
}

/** True if a picture is held back until the pictures displayed before it have arrived. */
function ordersFrames(codec: string): boolean {
  return codec === 'h264' || codec === 'hevc';
}

/** Bytes per pixel of motion vectors and the like that are kept with a picture. */
function sideBytes(codec: string): number {
  if (codec === 'hevc') return 0.75;
  return codec === 'h264' ? 0.65 : 0.1;
}

/**
 * Reference frames of a codec whose stream does not state their number: for H.264 and HEVC the maximum. VP9 and AV1
 * have eight slots, of which encoders fill half with different pictures.
 */
function referencesOf({ codec, references }: PictureCost): number {
  if (references !== undefined) return Math.min(references, 16);
  return REFERENCES[codec] ?? 2;
}

const REFERENCES: Readonly<Record<string, number>> = {
  h264: 16,
  hevc: 16,
  vp9: 4,
  av1: 4,
  vp8: 3,
  mjpeg: 0,
  prores: 0,
  ffv1: 1,
};

/** Bytes per pixel of a planar or packed format; an unknown one counts as the largest. */
export function bytesPerPixel(format: string): number {
  const [, layout, chroma, depth] = /^(yuva?|yuvj)(4[0-4]{2})p(\d*)/.exec(format) ?? [];
  if (layout && chroma) {
    const planes =
      ({ '420': 1.5, '422': 2, '440': 2, '444': 3 }[chroma] ?? 1.5) + (layout === 'yuva' ? 1 : 0);
    return planes * (Number(depth || 8) > 8 ? 2 : 1);
  }
  const [, grey] = /^gray(\d*)/.exec(format) ?? [];
  if (grey !== undefined) return Number(grey || 8) > 8 ? 2 : 1;
  const [, alpha, bits] = /^gbr(a?)p(\d*)/.exec(format) ?? [];
  if (bits !== undefined) return (alpha ? 4 : 3) * (Number(bits || 8) > 8 ? 2 : 1);
  return PACKED[format] ?? 8;
}

const PACKED: Readonly<Record<string, number>> = {
  ...{
    nv12: 1.5,
    nv21: 1.5,
    p010le: 3,
    uyvy422: 2,
    yuyv422: 2,
    pal8: 1,
    monow: 1,
    monob: 1,
    rgb24: 3,
    bgr24: 3,
  },
  ...{ rgba: 4, bgra: 4, argb: 4, abgr: 4, '0rgb': 4, '0bgr': 4, rgb0: 4, bgr0: 4, rgb555le: 2, rgb565le: 2 },
  ...{ rgb555be: 2, rgb48le: 6, rgb48be: 6 },
};

function align(side: number): number {
  return Math.ceil(side / 64) * 64;
}

import { AppError } from '../../../shared/core/errors.ts';
import type { Logger } from '../../../shared/core/log.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { serveRanges } from '../../../shared/storage/range-server.ts';
import type { FfmpegBinary } from './ffmpeg.ts';
import { FfmpegVideoFile } from './ffmpeg-video-file.ts';
import { openInput } from './open-input.ts';
import { openSandbox } from './sandbox.ts';
import type { VideoFile } from './video-file.ts';

export interface MediaLimits {
  maxSeconds: number;
  /** Maximum pixels of one picture, coded and displayed. */
  maxPixels: number;
  /** Longest side of the displayed picture. Default 16,384. */
  maxSide?: number;
  /** Time limit of one ffmpeg command, in seconds. Default 60. */
  commandSeconds?: number;
  /** Decoder threads. Default 2. */
  threads?: number;
  /** Memory of this instance, including ffmpeg's. Default: the container's limit. */
  memoryBytes?: number | undefined;
  /** Bytes of memory for data kept between reads. Default 32 MiB. */
  cacheBytes?: number;
}

export interface OpenVideoOptions {
  store: ObjectStore;
  object: { name: string; generation: string; size: number; crc32c?: string };
  ffmpeg: FfmpegBinary;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
  /** Logs the resource use of every ffmpeg command. */
  log?: Pick<Logger, 'debug'> | undefined;
}

/**
 * Opens a stored video for reading frames: sniffs and probes it through ranged reads of exactly this generation.
 * Throws `empty-object`, `unsupported-media`, `corrupt-media`, `too-long`, `too-large`, `timeout`, `object-gone`,
 * or the store's error.
 */
export async function openVideoFile(options: OpenVideoOptions): Promise<VideoFile> {
  const closing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal;
  const failed = new AbortController();
  const sandbox = await openSandbox();
  const server = await serveRanges({
    host: sandbox?.host,
    store: options.store,
    object: options.object,
    signal,
    ...(options.limits.cacheBytes ? { cacheBytes: options.limits.cacheBytes } : {}),
    // ffmpeg would request unreadable bytes again
    onFailure: (error) => failed.abort(error),
  });
  const close = async (): Promise<void> => {
    closing.abort(new AppError('internal', 'the video file was closed while it was read'));
    await server.close();
  };
  try {
    const context = { server, ffmpeg: options.ffmpeg, limits: options.limits, log: options.log, sandbox };
    const opened = await openInput({ ...context, signal: AbortSignal.any([signal, failed.signal]) });
    return new FfmpegVideoFile(opened, server, close);
  } catch (error) {
    await close();
    throw server.failure ?? error;
  }
}

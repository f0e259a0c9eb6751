import { AppError } from '../../../shared/runtime/errors.ts';
import type { Logger } from '../../../shared/runtime/log.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { type RangeServer, serveRanges } from '../../../shared/storage/range-server.ts';
import { complaint, type DecodeContext, decodeFrames } from './decode-frames.ts';
import { EvenSample } from './even-sample.ts';
import type { FfmpegBinary } from './ffmpeg.ts';
import { FrameClock } from './frame-clock.ts';
import { fetchAhead, type OpenedVideo, openInput } from './open-input.ts';
import { outputOf } from './picture.ts';
import { openSandbox } from './sandbox.ts';
import { toneMap } from './tone-map.ts';
import type { VideoFile, VideoFrame } from './video-file.ts';

export { type FfmpegBinary, findFfmpeg } from './ffmpeg.ts';

export interface MediaLimits {
  maxSeconds: number;
  /** Pixels of one picture, coded and displayed. */
  maxPixels: number;
  /** Of the displayed picture. Default 16,384. */
  maxSide?: number;
  /** Time one ffmpeg command may take. Default 60. */
  commandSeconds?: number;
  /** Decoder threads. Default 2. */
  threads?: number;
  /** Memory of this instance, ffmpeg's included. Default: the container's limit. */
  memoryBytes?: number | undefined;
  /** Memory for bytes kept between reads. Default 32 MiB. */
  cacheBytes?: number;
}

export interface OpenVideoOptions {
  store: ObjectStore;
  object: { name: string; generation: string; size: number; crc32c?: string };
  ffmpeg: FfmpegBinary;
  limits: MediaLimits;
  signal?: AbortSignal | undefined;
  /** Told what every ffmpeg command took. */
  log?: Pick<Logger, 'debug'> | undefined;
}

/** Nearer to the beginning than this nothing is sought: some demuxers fail there, and little would be saved. */
const SEEK_FROM_SECONDS = 0.5;

/** Where the container does not say when it ends, nothing is looked for after this. */
const LONGEST_SECONDS = 1e7;

/** What frames of one decode may hold in memory at a time. */
const FRAMES_BYTES = 96 * 1024 * 1024;

/**
 * Opens a stored video for reading frames: sniffs and probes it through ranged reads of exactly this
 * generation. Throws `empty-object`, `unsupported-media`, `corrupt-media`, `too-long`, `too-large`, `timeout`,
 * `object-gone`, or what the store failed with.
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
    // ffmpeg would ask again for what cannot be had.
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

class FfmpegVideoFile implements VideoFile {
  readonly facts;
  readonly close: () => Promise<void>;
  readonly #context: DecodeContext;
  readonly #opened: OpenedVideo;
  readonly #server: RangeServer;
  readonly #clock: FrameClock;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(opened: OpenedVideo, server: RangeServer, close: () => Promise<void>) {
    this.facts = opened.facts;
    this.close = close;
    this.#opened = opened;
    this.#context = opened.context;
    this.#server = server;
    this.#clock = new FrameClock(opened.probed.timeBase, opened.probed.firstPts);
  }

  get traffic(): { bytes: number; requests: number } {
    return this.#server.traffic;
  }

  frameAt(time: number): Promise<VideoFrame> {
    return this.#inTurn(() => this.#frameAt(time));
  }

  framesBetween(from: number, to: number, limit: number, maxWidth?: number): Promise<VideoFrame[]> {
    return this.#inTurn(() => this.#framesBetween(from, to, limit, maxWidth));
  }

  /** One ffmpeg at a time: two would double the memory. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #frameAt(time: number, maxWidth?: number): Promise<VideoFrame> {
    const { pts } = this.#span(time, time);
    let found: VideoFrame | undefined;
    let window = this.#openingWindow();
    for (let attempt = 1; ; attempt++) {
      const shown = await this.#decode(pts, pts - window, this.#hi(time, pts), maxWidth, () => (frame) => {
        found = frame;
      });
      const last = latest(shown);
      if (found && found.time === this.#clock.seconds(last)) return found;
      if (attempt === 3) {
        throw new AppError('corrupt-media', `the frame at ${time} s was decoded but could not be converted`);
      }
      // The frame on display began before the window: its timestamp is known now.
      window = pts - last;
    }
  }

  async #framesBetween(from: number, to: number, limit: number, maxWidth?: number): Promise<VideoFrame[]> {
    const { pts } = this.#span(from, to);
    const { frameBytes } = outputOf(this.#opened.picture, maxWidth);
    const atMost = Math.max(1, Math.min(limit, Math.floor(FRAMES_BYTES / (2 * frameBytes))));
    let after = new EvenSample<VideoFrame>(atMost);
    let first: VideoFrame | undefined;
    const fromTime = this.#clock.seconds(pts);
    const shown = await this.#decode(
      pts,
      pts - this.#openingWindow(),
      this.#hi(to, Math.max(pts, this.#span(to, to).pts)),
      maxWidth,
      () => {
        after = new EvenSample(atMost);
        return (frame) => {
          if (frame.time <= fromTime) first = frame;
          else after.add(frame);
        };
      },
    );
    const onDisplay = latest(shown.filter((one) => one <= pts));
    if (first?.time !== this.#clock.seconds(onDisplay)) first = await this.#frameAt(from, maxWidth);
    return after.preceded(first);
  }

  #span(from: number, to: number): { pts: number } {
    if (!Number.isFinite(from) || !Number.isFinite(to)) {
      throw new AppError('internal', `asked for the frame at ${from} to ${to}; times are finite seconds`);
    }
    const end = this.facts.durationSeconds ?? LONGEST_SECONDS;
    return { pts: this.#clock.ptsAt(Math.max(0, Math.min(from, end))) };
  }

  /** Past the stated end everything counts, so that a wrong statement does not hide the last frame. */
  #hi(time: number, pts: number): number | undefined {
    const end = this.facts.durationSeconds;
    return end !== undefined && time >= end ? undefined : pts;
  }

  /** Ticks before the time asked for in which the frame on display has begun, as a rule. */
  #openingWindow(): number {
    return this.#clock.ticks(Math.min(0.5, 1.05 / (this.facts.frameRate ?? 10)));
  }

  /**
   * Decodes from a keyframe at or before `pts` and returns the timestamps seen up to `hi`, at least one of
   * them at or before `pts`. Where the container's index leads past it or astray, starts earlier: `begin` is
   * called at each start.
   */
  async #decode(
    pts: number,
    lo: number,
    hi: number | undefined,
    maxWidth: number | undefined,
    begin: () => (frame: VideoFrame) => void,
  ): Promise<number[]> {
    const clock = this.#clock;
    const { picture, samples } = this.#opened;
    const output = outputOf(picture, maxWidth);
    const { packetsAhead } = this.#context.binary;
    const range = samples?.range(clock.seconds(pts), clock.seconds(hi ?? pts), packetsAhead);
    fetchAhead(this.#server.cache, range);
    for (let margin = 0; ; margin = margin === 0 ? 1 : margin * 4) {
      const start = clock.containerSeconds(pts + 0.5) - margin + this.#opened.seekShift;
      const soonest = clock.containerSeconds(clock.firstPts) + SEEK_FROM_SECONDS;
      const seek = start > soonest ? start : undefined;
      const onFrame = begin();
      const outcome = await this.#run({
        ...{ seek, lo, hi },
        ...output,
        onFrame: (at, pixels) => {
          const rgb = picture.work ? toneMap(pixels, picture.work) : pixels;
          onFrame({ time: clock.seconds(at), width: output.width, height: output.height, rgb });
        },
      });
      const { shown } = outcome;
      // AVI has no timestamps: those ffmpeg makes up after a seek close to the end can start from 0 again.
      const sound = outcome.sound && shown[0]! >= clock.firstPts;
      if ((sound || seek === undefined) && shown.some((one) => one <= pts)) return shown;
      if (seek === undefined) {
        const at = clock.seconds(pts).toFixed(3);
        throw new AppError(
          'corrupt-media',
          `no frame could be decoded at ${at} s: ${complaint(outcome.tail)}`,
        );
      }
    }
  }

  async #run(request: Parameters<typeof decodeFrames>[1]): ReturnType<typeof decodeFrames> {
    try {
      const outcome = await decodeFrames(this.#context, request);
      if (this.#server.failure) throw this.#server.failure;
      return outcome;
    } catch (error) {
      throw this.#server.failure ?? error;
    }
  }
}

/** Frames come in display order, but a broken file may have it otherwise. */
function latest(timestamps: readonly number[]): number {
  return timestamps.reduce((last, one) => Math.max(last, one), Number.NEGATIVE_INFINITY);
}

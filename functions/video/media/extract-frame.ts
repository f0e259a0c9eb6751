import { AppError } from '../../../shared/core/errors.ts';
import type { Logger } from '../../../shared/core/log.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { type RangeServer, serveRanges } from '../../../shared/storage/range-server.ts';
import { complaint, type DecodeContext, type DecodeOutcome, decodeFrames } from './decode-frames.ts';
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
  /** Decoding from the very start did not help: what is damaged here is the file. */
  #damaged = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(opened: OpenedVideo, server: RangeServer, close: () => Promise<void>) {
    this.facts = opened.facts;
    this.close = close;
    this.#opened = opened;
    this.#context = opened.context;
    this.#server = server;
    this.#clock = new FrameClock(opened.probed.timeBase, opened.probed.firstPts, opened.facts.frameRate);
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
    const pts = this.#ptsAt(time);
    let window = this.#openingWindow();
    for (let attempt = 1; ; attempt++) {
      const decoded = await this.#decode({ pts, lo: pts - window, hi: pts, maxWidth }, () => {
        let found: VideoFrame | undefined;
        return { add: (frame) => (found = frame), result: () => found };
      });
      const last = latest(decoded.shown);
      const { kept, errors } = decoded;
      if (kept && kept.time === this.#clock.seconds(last)) return noting(errors, kept);
      if (attempt === 3) {
        throw new AppError('corrupt-media', `the frame at ${time} s was decoded but could not be converted`);
      }
      // The frame on display began before the window: its timestamp is known now.
      window = pts - last;
    }
  }

  async #framesBetween(from: number, to: number, limit: number, maxWidth?: number): Promise<VideoFrame[]> {
    const pts = this.#ptsAt(from);
    const { frameBytes } = outputOf(this.#opened.picture, maxWidth);
    const atMost = Math.max(1, Math.min(limit, Math.floor(FRAMES_BYTES / (2 * frameBytes))));
    const fromTime = this.#clock.seconds(pts);
    const lo = pts - this.#openingWindow();
    const hi = Math.max(pts, this.#ptsAt(to));
    const { shown, kept, errors } = await this.#decode({ pts, lo, hi, maxWidth }, () => {
      const after = new EvenSample<VideoFrame>(atMost);
      let first: VideoFrame | undefined;
      return {
        add(frame) {
          if (frame.time <= fromTime) first = frame;
          else after.add(frame);
        },
        result: () => ({ first, after }),
      };
    });
    let { first } = kept;
    const onDisplay = latest(shown.filter((one) => one <= pts));
    if (first?.time !== this.#clock.seconds(onDisplay)) first = await this.#frameAt(from, maxWidth);
    return kept.after.preceded(first).map((frame) => noting(errors, frame));
  }

  /** Past the stated end as well: the statement may be wrong, and past the real one there is the last frame. */
  #ptsAt(time: number): number {
    if (!Number.isFinite(time)) {
      throw new AppError('internal', `asked for the frame at ${time}; times are finite seconds`);
    }
    return this.#clock.ptsAt(Math.max(0, Math.min(time, LONGEST_SECONDS)));
  }

  /** Ticks before the time asked for in which the frame on display has begun, as a rule. */
  #openingWindow(): number {
    return this.#clock.ticks(Math.min(0.5, 1.05 / (this.facts.frameRate ?? 10)));
  }

  /**
   * Decodes from a keyframe at or before `pts` and returns the timestamps seen up to `hi`, at least one of them at or
   * before `pts`, and what was kept. Starts earlier if the container's index leads past it or astray, and also, at the
   * very start if need be, if the decoder complained or frames seem to be missing. `begin` is called at each start.
   */
  async #decode<T>(span: Span, begin: () => Keeper<T>): Promise<Decoded<T>> {
    const { pts, hi } = span;
    const clock = this.#clock;
    const { packetsAhead } = this.#context.binary;
    const range = this.#opened.samples?.range(clock.seconds(pts), clock.seconds(hi), packetsAhead);
    fetchAhead(this.#server.cache, range);
    const soonest = clock.containerSeconds(clock.firstPts) + SEEK_FROM_SECONDS;
    let best: Decoded<T> | undefined;
    for (let margin = 0; ; margin = nextMargin(margin, best !== undefined)) {
      const start = clock.containerSeconds(pts + 0.5) - margin + this.#opened.seekShift;
      const seek = start > soonest ? start : undefined;
      const keeper = begin();
      const outcome = await this.#run({ ...span, seek }, keeper).catch((error: unknown) => {
        // A second start that takes too long takes nothing from the first.
        if (best && error instanceof AppError && error.code === 'timeout') return undefined;
        throw error;
      });
      const decoded =
        outcome && usable(outcome, seek, clock.firstPts, pts) ? describe(outcome, keeper) : undefined;
      if (!best && !decoded && seek === undefined) {
        const why = complaint(outcome?.tail ?? []);
        const at = clock.seconds(pts).toFixed(3);
        throw new AppError('corrupt-media', `no frame could be decoded at ${at} s: ${why}`);
      }
      const confirmed = best !== undefined && best.last === decoded?.last;
      if (decoded && !(best && isWorse(decoded, best))) best = decoded;
      if (!best) continue;
      if (seek === undefined || !outcome) this.#damaged ||= best.errors > 0;
      if (seek === undefined || !outcome || !this.#isDoubtful(best, pts, { margin, confirmed })) return best;
    }
  }

  /** Whether another start could do better: what the first frame says is not known after a seek. */
  #isDoubtful(
    { errors, last }: Decoded<unknown>,
    pts: number,
    { margin, confirmed }: { margin: number; confirmed: boolean },
  ): boolean {
    const isFar = margin >= EARLIER_SECONDS && this.#clock.seconds(pts) > FROM_START_SECONDS;
    if (errors > 0 && !this.#damaged && !isFar) return true;
    // Some demuxers skip samples at a fragment that they have jumped to.
    const { frameRate } = this.facts;
    if (confirmed || !this.#opened.fragmented || frameRate === undefined) return false;
    return pts - last > this.#clock.ticks(1.5 / frameRate);
  }

  async #run<T>(span: Span & { seek: number | undefined }, keeper: Keeper<T>): Promise<DecodeOutcome> {
    const { seek, lo, hi, maxWidth } = span;
    const { picture } = this.#opened;
    const output = outputOf(picture, maxWidth);
    const { width, height } = output;
    try {
      const outcome = await decodeFrames(this.#context, {
        ...{ seek, lo, hi },
        ...output,
        onFrame: (at, pixels) => {
          const rgb = picture.work ? toneMap(pixels, picture.work) : pixels;
          keeper.add({ time: this.#clock.seconds(at), width, height, rgb });
        },
      });
      if (this.#server.failure) throw this.#server.failure;
      return outcome;
    } catch (error) {
      throw this.#server.failure ?? error;
    }
  }
}

interface Span {
  /** The time asked for. */
  pts: number;
  /** First and last timestamp that is kept. */
  lo: number;
  hi: number;
  maxWidth: number | undefined;
}

/** What is made of the frames of one decode. */
interface Keeper<T> {
  add(frame: VideoFrame): void;
  result(): T;
}

interface Decoded<T> {
  shown: number[];
  /** The latest of them. */
  last: number;
  errors: number;
  kept: T;
}

/** Seconds further back where a decode that is in doubt starts anew, before it starts at the very beginning. */
const EARLIER_SECONDS = 4;
/** What lies later than this is not decoded from the beginning for the sake of damage alone. */
const FROM_START_SECONDS = 120;

function nextMargin(margin: number, inDoubt: boolean): number {
  if (inDoubt) return margin < EARLIER_SECONDS ? EARLIER_SECONDS : Number.POSITIVE_INFINITY;
  return margin === 0 ? 1 : margin * 4;
}

/** AVI has no timestamps: those ffmpeg makes up after a seek close to the end can start from 0 again. */
function usable(
  { shown, sound }: DecodeOutcome,
  seek: number | undefined,
  firstPts: number,
  pts: number,
): boolean {
  const isSound = seek === undefined || (sound && shown[0]! >= firstPts);
  return isSound && shown.some((one) => one <= pts);
}

function describe<T>({ shown, errors }: DecodeOutcome, keeper: Keeper<T>): Decoded<T> {
  return { shown, last: latest(shown), errors, kept: keeper.result() };
}

function isWorse(one: Decoded<unknown>, than: Decoded<unknown>): boolean {
  return one.last < than.last || (one.last === than.last && one.errors >= than.errors);
}

function noting(errors: number, frame: VideoFrame): VideoFrame {
  return errors > 0 ? { ...frame, decodeErrors: errors } : frame;
}

/** Frames come in display order, but a broken file may have it otherwise. */
function latest(timestamps: readonly number[]): number {
  return timestamps.reduce((last, one) => Math.max(last, one), Number.NEGATIVE_INFINITY);
}

import { AppError } from '../../../shared/core/errors.ts';
import type { RangeServer } from '../../../shared/storage/range-server.ts';
import { complaint, type DecodeOutcome, decodeFrames } from './decode-frames.ts';
import type { FrameClock } from './frame-clock.ts';
import { fetchAhead, type OpenedVideo } from './open-input.ts';
import { outputOf } from './picture.ts';
import { toneMap } from './tone-map.ts';
import type { VideoFrame } from './video-file.ts';

/** Don't seek within the first 0.5 s: some demuxers fail there, and little would be saved. */
const SEEK_FROM_SECONDS = 0.5;

export interface Span {
  /** The requested time. */
  pts: number;
  /** First and last timestamp to keep. */
  lo: number;
  hi: number;
  maxWidth: number | undefined;
}

/** Collects the frames of one decode into a result. */
export interface Keeper<T> {
  add(frame: VideoFrame): void;
  result(): T;
}

export interface Decoded<T> {
  shown: number[];
  /** The latest of them. */
  last: number;
  errors: number;
  kept: T;
}

/** A doubtful decode is repeated from this much earlier, and then from the very beginning. */
const EARLIER_SECONDS = 4;
/** Damage alone is no reason to decode from the beginning for times later than this. */
const FROM_START_SECONDS = 120;

/**
 * Decodes the frames of a time span, and again from an earlier keyframe if the container's index misleads, the
 * decoder complains or frames seem to be missing.
 */
export class SpanDecoder {
  readonly #opened: OpenedVideo;
  readonly #server: RangeServer;
  readonly #clock: FrameClock;
  /** True if decoding from the very start did not help: the file itself is damaged. */
  #damaged = false;

  constructor(opened: OpenedVideo, server: RangeServer, clock: FrameClock) {
    this.#opened = opened;
    this.#server = server;
    this.#clock = clock;
  }

  /**
   * Decodes from a keyframe at or before `pts`. Returns the kept frames and the timestamps seen up to `hi`, at
   * least one of them at or before `pts`. Starts earlier, at the very start if need be, if the container's index
   * leads past `pts` or misleads, the decoder complains or frames seem to be missing. `begin` is called at each
   * start.
   */
  async decode<T>(span: Span, begin: () => Keeper<T>): Promise<Decoded<T>> {
    const { pts, hi } = span;
    const clock = this.#clock;
    const { packetsAhead } = this.#opened.context.binary;
    const range = this.#opened.samples?.range(clock.seconds(pts), clock.seconds(hi), packetsAhead);
    fetchAhead(this.#server.cache, range);
    const soonest = clock.containerSeconds(clock.firstPts) + SEEK_FROM_SECONDS;
    let best: Decoded<T> | undefined;
    for (let margin = 0; ; margin = nextMargin(margin, best !== undefined)) {
      const start = clock.containerSeconds(pts + 0.5) - margin + this.#opened.seekShift;
      const seek = start > soonest ? start : undefined;
      const keeper = begin();
      const outcome = await this.#run({ ...span, seek }, keeper).catch((error: unknown) => {
        // if a second start takes too long, use the first
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

  /** True if another start could do better: after a seek, frames before the first one may be missing. */
  #isDoubtful(
    { errors, last }: Decoded<unknown>,
    pts: number,
    { margin, confirmed }: { margin: number; confirmed: boolean },
  ): boolean {
    const isFar = margin >= EARLIER_SECONDS && this.#clock.seconds(pts) > FROM_START_SECONDS;
    if (errors > 0 && !this.#damaged && !isFar) return true;
    // some demuxers skip samples of a fragment after a seek
    const { frameRate } = this.#opened.facts;
    if (confirmed || !this.#opened.fragmented || frameRate === undefined) return false;
    return pts - last > this.#clock.ticks(1.5 / frameRate);
  }

  async #run<T>(span: Span & { seek: number | undefined }, keeper: Keeper<T>): Promise<DecodeOutcome> {
    const { seek, lo, hi, maxWidth } = span;
    const { picture } = this.#opened;
    const output = outputOf(picture, maxWidth);
    const { width, height } = output;
    try {
      const outcome = await decodeFrames(this.#opened.context, {
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

function nextMargin(margin: number, inDoubt: boolean): number {
  if (inDoubt) return margin < EARLIER_SECONDS ? EARLIER_SECONDS : Number.POSITIVE_INFINITY;
  return margin === 0 ? 1 : margin * 4;
}

/** AVI has no timestamps: those that ffmpeg makes up after a seek close to the end may restart from 0. */
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

/** Frames arrive in display order, except in a broken file. */
export function latest(timestamps: readonly number[]): number {
  return timestamps.reduce((last, one) => Math.max(last, one), Number.NEGATIVE_INFINITY);
}

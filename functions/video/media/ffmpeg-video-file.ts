import { AppError } from '../../../shared/core/errors.ts';
import type { RangeServer } from '../../../shared/storage/range-server.ts';
import { cutClip } from './cut-clip.ts';
import { latest, SpanDecoder } from './decode-span.ts';
import { EvenSample } from './even-sample.ts';
import { FrameClock } from './frame-clock.ts';
import type { OpenedVideo } from './open-input.ts';
import { outputOf } from './picture.ts';
import type { VideoClip, VideoFile, VideoFrame } from './video-file.ts';

/** If the container does not state its end, nothing later than this is looked up. */
const LONGEST_SECONDS = 1e7;

/** Maximum memory of the frames of one decode. */
const FRAMES_BYTES = 96 * 1024 * 1024;

/** The frames of an open video, by time, decoded by ffmpeg one command at a time. */
export class FfmpegVideoFile implements VideoFile {
  readonly facts;
  readonly close: () => Promise<void>;
  readonly #opened: OpenedVideo;
  readonly #server: RangeServer;
  readonly #clock: FrameClock;
  readonly #decoder: SpanDecoder;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(opened: OpenedVideo, server: RangeServer, close: () => Promise<void>) {
    this.facts = opened.facts;
    this.close = close;
    this.#opened = opened;
    this.#server = server;
    this.#clock = new FrameClock(opened.probed.timeBase, opened.probed.firstPts, opened.facts.frameRate);
    this.#decoder = new SpanDecoder(opened, server, this.#clock);
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

  framesAt(times: readonly number[], maxWidth?: number): Promise<VideoFrame[]> {
    return this.#inTurn(() => this.#framesAt(times, maxWidth));
  }

  clip(from: number, to: number, maxWidth: number): Promise<VideoClip> {
    return this.#inTurn(async () => {
      const last = await this.#frameAt(to, 16);
      const first = await this.#frameAt(from, 16);
      const span = { lo: this.#clock.ptsOf(first.time), hi: this.#clock.ptsOf(last.time), maxWidth };
      return cutClip(this.#opened, this.#server, this.#clock, span);
    });
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
      const decoded = await this.#decoder.decode({ pts, lo: pts - window, hi: pts, maxWidth }, () => {
        let found: VideoFrame | undefined;
        return { add: (frame) => (found = frame), result: () => found };
      });
      const last = latest(decoded.shown);
      const { kept, errors } = decoded;
      if (kept && kept.time === this.#clock.seconds(last)) return noting(errors, kept);
      if (attempt === 3) {
        throw new AppError('corrupt-media', `the frame at ${time} s was decoded but could not be converted`);
      }
      // the frame on display started before the window, and its timestamp is now known
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
    const { shown, kept, errors } = await this.#decoder.decode({ pts, lo, hi, maxWidth }, () => {
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

  async #framesAt(times: readonly number[], maxWidth?: number): Promise<VideoFrame[]> {
    const stamps = times.map((time) => this.#ptsAt(time));
    const [pts, hi] = [stamps[0], stamps.at(-1)];
    if (pts === undefined || hi === undefined) return [];
    const width = this.#widthFor(times.length, maxWidth);
    const span = { pts, lo: pts - this.#openingWindow(), hi, maxWidth: width };
    const asked = stamps.map((stamp) => this.#clock.seconds(stamp));
    const { kept, errors } = await this.#decoder.decode(span, () => {
      const found: (VideoFrame | undefined)[] = [];
      let latest: VideoFrame | undefined;
      return {
        add(frame) {
          while (found.length < asked.length && frame.time > asked[found.length]!) found.push(latest);
          latest = frame;
        },
        result: () => asked.map((_, index) => (index < found.length ? found[index] : latest)),
      };
    });
    // the first frame on display may have started before the window
    const first = kept[0] ?? (await this.#frameAt(times[0]!, width));
    return kept.map((frame) => noting(errors, frame ?? first));
  }

  /** The requested width, or less if so many frames of it would take too much memory. */
  #widthFor(count: number, maxWidth: number | undefined): number | undefined {
    const { width, frameBytes } = outputOf(this.#opened.picture, maxWidth);
    const share = FRAMES_BYTES / ((count + 2) * frameBytes);
    return share >= 1 ? maxWidth : Math.max(1, Math.floor(width * Math.sqrt(share)));
  }

  /** Continues past the stated end: the statement may be wrong, and past the real one the last frame is shown. */
  #ptsAt(time: number): number {
    if (!Number.isFinite(time)) {
      throw new AppError('internal', `time must be finite seconds, got ${time}`);
    }
    return this.#clock.ptsAt(Math.max(0, Math.min(time, LONGEST_SECONDS)));
  }

  /** Ticks before the requested time within which the frame on display usually starts. */
  #openingWindow(): number {
    return this.#clock.ticks(Math.min(0.5, 1.05 / (this.facts.frameRate ?? 10)));
  }
}

function noting(errors: number, frame: VideoFrame): VideoFrame {
  return errors > 0 ? { ...frame, decodeErrors: errors } : frame;
}

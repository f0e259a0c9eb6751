/** Seconds a tick: `num / den`. */
export interface TimeBase {
  num: number;
  den: number;
}

/** A time in whole milliseconds misses the frame it means by no more than half of one. */
const HALF_MILLISECOND = 0.000_5 + 1e-9;

/**
 * Between seconds from the first displayed frame, which everybody else uses, and timestamps in ticks, which
 * are exact.
 */
export class FrameClock {
  readonly #tolerance: number;

  /** `frameRate`: nominal frames a second, if known. */
  constructor(
    readonly base: TimeBase,
    readonly firstPts: number,
    frameRate?: number,
  ) {
    this.#tolerance = Math.min(HALF_MILLISECOND, frameRate ? 0.5 / frameRate : HALF_MILLISECOND);
  }

  /** When the frame of this timestamp starts. */
  seconds(pts: number): number {
    return ((pts - this.firstPts) * this.base.num) / this.base.den;
  }

  /** The last timestamp at or before this time, or half a millisecond after it, but never half a frame. */
  ptsAt(seconds: number): number {
    return this.firstPts + Math.floor(((seconds + this.#tolerance) * this.base.den) / this.base.num);
  }

  /** The timestamp on the container's clock, as `-ss` takes it. */
  containerSeconds(pts: number): number {
    return (pts * this.base.num) / this.base.den;
  }

  /** How many ticks this long takes, at least one. */
  ticks(seconds: number): number {
    return Math.max(1, Math.ceil((seconds * this.base.den) / this.base.num));
  }
}

/** Seconds per tick: `num / den`. */
export interface TimeBase {
  num: number;
  den: number;
}

/** A time rounded to milliseconds is off by at most half of one. */
const HALF_MILLISECOND = 0.000_5 + 1e-9;

/**
 * Converts between seconds from the first displayed frame, used everywhere else, and timestamps in ticks, which are
 * exact.
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

  /** Start of the frame with this timestamp. */
  seconds(pts: number): number {
    return ((pts - this.firstPts) * this.base.num) / this.base.den;
  }

  /** The timestamp of a frame that starts at this time: the inverse of `seconds`. */
  ptsOf(seconds: number): number {
    return this.firstPts + Math.round((seconds * this.base.den) / this.base.num);
  }

  /** The last timestamp at or before this time, with a tolerance of half a millisecond, but never of half a frame. */
  ptsAt(seconds: number): number {
    return this.firstPts + Math.floor(((seconds + this.#tolerance) * this.base.den) / this.base.num);
  }

  /** The timestamp on the container's clock, as `-ss` expects it. */
  containerSeconds(pts: number): number {
    return (pts * this.base.num) / this.base.den;
  }

  /** The duration in ticks, at least one. */
  ticks(seconds: number): number {
    return Math.max(1, Math.ceil((seconds * this.base.den) / this.base.num));
  }
}

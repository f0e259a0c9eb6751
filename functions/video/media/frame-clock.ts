/** Seconds a tick: `num / den`. */
export interface TimeBase {
  num: number;
  den: number;
}

/** A time that comes in decimals may miss the tick it means by less than this. */
const TOLERANCE_SECONDS = 1e-6;

/**
 * Between seconds from the first displayed frame, which everybody else uses, and timestamps in ticks, which
 * are exact.
 */
export class FrameClock {
  constructor(
    readonly base: TimeBase,
    readonly firstPts: number,
  ) {}

  /** When the frame of this timestamp starts. */
  seconds(pts: number): number {
    return ((pts - this.firstPts) * this.base.num) / this.base.den;
  }

  /** The last timestamp at or before this time. */
  ptsAt(seconds: number): number {
    return this.firstPts + Math.floor(((seconds + TOLERANCE_SECONDS) * this.base.den) / this.base.num);
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

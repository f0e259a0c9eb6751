import type { Clock } from '../../core/clock.ts';
import type { Commit } from '../log/actions.ts';

/** A race that lies longer back than this does not count: an appender alone lists nothing. */
const CONTENTION_MS = 2_000;
/** A file that is offered waits at least this long for the next version to take it. */
const MIN_PATIENCE_MS = 150;
/** Another writer counts as busy for at least this long after its commit. */
const MIN_BUSY_MS = 250;
const MAX_PATIENCE_MS = 1_000;
/** Versions that may pass an offered file by. */
const MAX_PASSED = 3;

/**
 * Decides who writes the next version, so that writers seldom race. Whoever wrote the last one goes on, and takes what
 * others offer; the others wait for it as long as it is busy. This is only a habit: everyone may write at any time, and
 * whoever waits in vain does.
 */
export class Turns {
  #contendedAt = Number.NEGATIVE_INFINITY;
  #last: 'ours' | 'theirs' | 'unaware' = 'theirs';
  /** When a version was last seen as it was written, and not found later. */
  #liveAt: number;
  /** How long an upload takes, in ms: the measure of what storage can do at the time. */
  #uploadMs = 0;
  #expected = 0;

  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#liveAt = clock.now();
  }

  /** True if other appenders have been met lately: files are offered, and offers are looked for. */
  get isContended(): boolean {
    return this.#clock.now() - this.#contendedAt < CONTENTION_MS;
  }

  /** True if another writer is expected to write the next version soon. */
  get isOthers(): boolean {
    const busyMs = Math.min(MAX_PATIENCE_MS, Math.max(MIN_BUSY_MS, this.#uploadMs * 3));
    return this.isContended && this.#last === 'theirs' && this.#clock.now() - this.#liveAt < busyMs;
  }

  /**
   * True if the last version is by a writer that does not know of others. It is told by losing a race, which takes
   * a fast commit.
   */
  get isRace(): boolean {
    return this.#last === 'unaware';
  }

  /** Offers that were taken the last time. */
  get expected(): number {
    return this.#expected;
  }

  /** Our own commit, with this many files of others. */
  wrote(taken: number): void {
    this.#last = 'ours';
    this.#expected = taken;
    if (this.#expected > 0) this.#contendedAt = this.#clock.now();
    this.#liveAt = this.#clock.now();
  }

  /** Another appender's commit: it won against ours, was waited for, or was found later. */
  saw(commit: Commit, how: 'raced' | 'awaited' | 'found'): void {
    if (commit.commitInfo?.['idPrefixes'] === undefined) return;
    this.#last = looksForOffers(commit) ? 'theirs' : 'unaware';
    this.#expected = 0;
    if (how === 'raced' || looksForOffers(commit)) this.#contendedAt = this.#clock.now();
    if (how !== 'found') this.#liveAt = this.#clock.now();
  }

  uploaded(ms: number): void {
    this.#uploadMs = ms;
  }

  /** For a file that is offered from now on. */
  patience(): Patience {
    return new Patience(
      this.#clock,
      Math.max(MIN_PATIENCE_MS, Math.min(MAX_PATIENCE_MS, this.#uploadMs * 2.5)),
    );
  }
}

/** How long one offered file waits. */
export class Patience {
  #until: number;
  #passed = 0;

  readonly #clock: Clock;
  readonly #ms: number;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
    this.#until = this.#next();
  }

  get isOver(): boolean {
    return this.#passed >= MAX_PASSED || this.#clock.now() >= this.#until;
  }

  /** A version passed the file by: the next one may take it, if its writer looks for offers at all. */
  passedBy(commit: Commit): void {
    this.#passed = looksForOffers(commit) ? this.#passed + 1 : MAX_PASSED;
    this.#until = this.#next();
  }

  end(): void {
    this.#passed = MAX_PASSED;
  }

  /** Not the same for all: one of those that wait takes over, and takes the others in. */
  #next(): number {
    return this.#clock.now() + this.#ms * (1 + Math.random() / 2);
  }
}

/** Member of the `commitInfo` of a writer that looks for offers: how many it took. */
export const OFFERS_TAKEN = 'offersTaken';

function looksForOffers({ commitInfo }: Commit): boolean {
  return typeof commitInfo?.[OFFERS_TAKEN] === 'number';
}

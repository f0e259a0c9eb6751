/** Letters counted since the last line about their group. */
export interface Counted<T> {
  group: T;
  count: number;
  /** In ms since the epoch. */
  since: number;
}

export interface StormGateOptions {
  /** Letters per hour that are explained in full: per group, and in all. */
  perGroup: number;
  perHour: number;
}

interface Tally<T> {
  group: T;
  inFull: number;
  counted: number;
  since: number;
  loggedAt: number;
}

const HOUR_MS = 3_600_000;
/** The first counted letter is logged at once, then a line after this many letters or this long. */
const LINE_LETTERS = 1_000;
const LINE_MS = 60_000;
/** Further groups share one tally: the sender of letters may also invent their causes. */
const MAX_GROUPS = 1_000;
const OTHERS = 'others';

/**
 * Bounds the cost of a storm of dead letters: the first letters of an hour, per group and in all, are explained in
 * full; later ones are recorded and counted. Counts are per instance, in memory.
 */
export class StormGate<T> {
  #tallies = new Map<string, Tally<T>>();
  #inFull = 0;
  #startedAt = 0;
  readonly #options: StormGateOptions;

  constructor(options: StormGateOptions) {
    this.#options = options;
  }

  /** True if the next letter of this group is to be explained in full. */
  isOpen(group: string, now: number): boolean {
    this.#turn(now);
    const { perGroup, perHour } = this.#options;
    return this.#inFull < perHour && (this.#tallies.get(this.#keyOf(group))?.inFull ?? 0) < perGroup;
  }

  noteFull(group: string, about: T, now: number): void {
    this.#turn(now);
    this.#inFull++;
    this.#tallyOf(group, about, now).inFull++;
  }

  /** Counts a letter that was only recorded. */
  noteCounted(group: string, about: T, now: number): void {
    const tally = this.#tallyOf(group, about, now);
    if (tally.counted === 0) tally.since = now;
    tally.counted++;
  }

  /** Groups to be logged now; their counts restart. */
  due(now: number): Counted<T>[] {
    const due: Counted<T>[] = [];
    for (const tally of this.#tallies.values()) {
      const isDue = tally.loggedAt === 0 || tally.counted >= LINE_LETTERS || now - tally.loggedAt >= LINE_MS;
      if (tally.counted === 0 || !isDue) continue;
      due.push({ group: tally.group, count: tally.counted, since: tally.since });
      tally.counted = 0;
      tally.loggedAt = now;
    }
    return due;
  }

  /** Starts a new hour; counts not yet logged are dropped. */
  #turn(now: number): void {
    if (now - this.#startedAt < HOUR_MS) return;
    this.#startedAt = now;
    this.#inFull = 0;
    for (const [key, tally] of this.#tallies) {
      if (tally.counted === 0) this.#tallies.delete(key);
      else tally.inFull = 0;
    }
  }

  #keyOf(group: string): string {
    return this.#tallies.has(group) || this.#tallies.size < MAX_GROUPS ? group : OTHERS;
  }

  #tallyOf(group: string, about: T, now: number): Tally<T> {
    const key = this.#keyOf(group);
    const known = this.#tallies.get(key);
    if (known) return known;
    const made = { group: about, inFull: 0, counted: 0, since: now, loggedAt: 0 };
    this.#tallies.set(key, made);
    return made;
  }
}

/** Letters counted since the last line about their group. */
export interface Counted<T> {
  group: T;
  count: number;
  /** Ms since the epoch. */
  since: number;
}

export interface StormGateOptions {
  /** Letters an hour that are told in full: of one group, and in all. */
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
/** A line about letters that are only counted comes with the first, then after so many or so long. */
const LINE_LETTERS = 1_000;
const LINE_MS = 60_000;
/** Beyond so many, the rest share a tally: who sends letters may be who makes up their causes. */
const MAX_GROUPS = 1_000;
const OTHERS = 'others';

/**
 * Bounds what a storm of dead letters costs: of each group, and of all, the first letters of an hour are told in
 * full; those that follow are recorded and counted. Of one instance, in its memory alone.
 */
export class StormGate<T> {
  private tallies = new Map<string, Tally<T>>();
  private inFull = 0;
  private startedAt = 0;

  constructor(private readonly options: StormGateOptions) {}

  /** Whether the next letter of this group is told in full. */
  isOpen(group: string, now: number): boolean {
    this.turn(now);
    const { perGroup, perHour } = this.options;
    return this.inFull < perHour && (this.tallies.get(this.keyOf(group))?.inFull ?? 0) < perGroup;
  }

  noteFull(group: string, about: T, now: number): void {
    this.turn(now);
    this.inFull++;
    this.tallyOf(group, about, now).inFull++;
  }

  /** Counts a letter that was recorded and no more. */
  noteCounted(group: string, about: T, now: number): void {
    const tally = this.tallyOf(group, about, now);
    if (tally.counted === 0) tally.since = now;
    tally.counted++;
  }

  /** What has to be told now; once told, it is counted anew. */
  due(now: number): Counted<T>[] {
    const due: Counted<T>[] = [];
    for (const tally of this.tallies.values()) {
      const isDue = tally.loggedAt === 0 || tally.counted >= LINE_LETTERS || now - tally.loggedAt >= LINE_MS;
      if (tally.counted === 0 || !isDue) continue;
      due.push({ group: tally.group, count: tally.counted, since: tally.since });
      tally.counted = 0;
      tally.loggedAt = now;
    }
    return due;
  }

  /** A new hour begins; what was counted and not told goes with it. */
  private turn(now: number): void {
    if (now - this.startedAt < HOUR_MS) return;
    this.startedAt = now;
    this.inFull = 0;
    for (const [key, tally] of this.tallies) {
      if (tally.counted === 0) this.tallies.delete(key);
      else tally.inFull = 0;
    }
  }

  private keyOf(group: string): string {
    return this.tallies.has(group) || this.tallies.size < MAX_GROUPS ? group : OTHERS;
  }

  private tallyOf(group: string, about: T, now: number): Tally<T> {
    const key = this.keyOf(group);
    const known = this.tallies.get(key);
    if (known) return known;
    const made = { group: about, inFull: 0, counted: 0, since: now, loggedAt: 0 };
    this.tallies.set(key, made);
    return made;
  }
}

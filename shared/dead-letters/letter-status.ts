import type { LetterStatus } from './records.ts';

/** The part of an entry that a letter's status depends on. */
export interface StatusEntry {
  kind: 'death' | 'sending' | 'replay' | 'resolved' | 'discard';
  key: string;
  /** For a death: key of the replay that died. */
  replay: string | undefined;
  /** The storage service's time, in ms since the epoch: one clock for all entries. */
  at: number;
}

/** State of one replay. */
export interface ReplayOutcome {
  key: string;
  status: 'replayed' | 'resolved' | 'failed-again';
  /** Time of its outcome, or of its mark if there is no outcome yet, in ms since the epoch. */
  at: number;
}

/** Tie-break for entries of the same time: the later in this list wins, since it needs more attention. */
const URGENCY: readonly LetterStatus[] = ['discarded', 'resolved', 'replayed', 'failed-again', 'open'];

/**
 * Derives the status of a letter from its entries, in any order: the latest of its fresh deaths, replays, discards
 * and findings decides. Pure.
 */
export function statusOf(entries: readonly StatusEntry[]): LetterStatus {
  const settledDeaths = new Set(findings(entries).map(({ key }) => key));
  const events: { status: LetterStatus; at: number }[] = [
    ...replayOutcomesOf(entries),
    ...entries
      .filter(({ kind }) => kind === 'discard')
      .map(({ at }) => ({ status: 'discarded' as const, at })),
    ...findings(entries).map(({ at }) => ({ status: 'resolved' as const, at })),
    ...entries
      .filter(({ kind, key, replay }) => kind === 'death' && replay === undefined && !settledDeaths.has(key))
      .map(({ at }) => ({ status: 'open' as const, at })),
  ];
  let last: { status: LetterStatus; at: number } | undefined;
  for (const event of events) {
    if (!last || event.at > last.at || (event.at === last.at && isMoreUrgent(event.status, last.status)))
      last = event;
  }
  return last?.status ?? 'open';
}

/**
 * Each replay with its outcome, oldest first. A replay whose mark is missing, because its command died before
 * writing it, is known by its outcome.
 */
export function replayOutcomesOf(entries: readonly StatusEntry[]): ReplayOutcome[] {
  const deaths = new Set(entries.filter(({ kind }) => kind === 'death').map(({ key }) => key));
  const settledDeaths = new Set(findings(entries).map(({ key }) => key));
  const outcomes = new Map<string, ReplayOutcome>();
  const note = (key: string, status: ReplayOutcome['status'], at: number): void => {
    const known = outcomes.get(key);
    const isLater = known && known.status === status && at > known.at;
    if (!known || isLater || rank(status) > rank(known.status)) outcomes.set(key, { key, status, at });
  };
  for (const { kind, key, replay, at } of entries) {
    if (kind === 'replay') note(key, 'replayed', at);
    else if (kind === 'death' && replay !== undefined)
      note(replay, settledDeaths.has(key) ? 'resolved' : 'failed-again', at);
    else if (kind === 'resolved' && !deaths.has(key)) note(key, 'resolved', at);
  }
  return [...outcomes.values()].sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1));
}

/** A replay that was delivered twice may fail once and succeed once: its event is then settled. */
function rank(status: ReplayOutcome['status']): number {
  return ['replayed', 'failed-again', 'resolved'].indexOf(status);
}

/** Entries that mark a death's event as found settled without a replay. */
function findings(entries: readonly StatusEntry[]): StatusEntry[] {
  const deaths = new Set(entries.filter(({ kind }) => kind === 'death').map(({ key }) => key));
  return entries.filter(({ kind, key }) => kind === 'resolved' && deaths.has(key));
}

function isMoreUrgent(a: LetterStatus, b: LetterStatus): boolean {
  return URGENCY.indexOf(a) > URGENCY.indexOf(b);
}

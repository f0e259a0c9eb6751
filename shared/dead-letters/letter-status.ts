import type { LetterStatus } from './records.ts';

/** An entry as far as a letter's status depends on it. */
export interface StatusEntry {
  kind: 'death' | 'sending' | 'replay' | 'resolved' | 'discard';
  key: string;
  /** Of a death: the replay that it came back from. */
  replay: string | undefined;
  /** By the storage service's clock, ms since the epoch: one clock for all entries. */
  at: number;
}

/** What became of one replay. */
export interface ReplayOutcome {
  key: string;
  status: 'replayed' | 'resolved' | 'failed-again';
  /** Of its outcome, or of its mark where there is none yet; ms since the epoch. */
  at: number;
}

/** In the order in which what happened at the same time counts: that which needs somebody first. */
const URGENCY: readonly LetterStatus[] = ['discarded', 'resolved', 'replayed', 'failed-again', 'open'];

/**
 * The status that follows from a letter's entries, whatever order they come in: the last of its fresh deaths,
 * replays, discards and findings decides. Pure.
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
 * Each replay, oldest first, with what came of it. One whose mark is missing, since the command that published
 * it died before it could write it, is known by its outcome.
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

/** A replay that was delivered twice may fail once and succeed once: its event is settled. */
function rank(status: ReplayOutcome['status']): number {
  return ['replayed', 'failed-again', 'resolved'].indexOf(status);
}

/** Entries that say of a death that its event was found settled without a replay. */
function findings(entries: readonly StatusEntry[]): StatusEntry[] {
  const deaths = new Set(entries.filter(({ kind }) => kind === 'death').map(({ key }) => key));
  return entries.filter(({ kind, key }) => kind === 'resolved' && deaths.has(key));
}

function isMoreUrgent(a: LetterStatus, b: LetterStatus): boolean {
  return URGENCY.indexOf(a) > URGENCY.indexOf(b);
}

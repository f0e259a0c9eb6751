import { deathFactsOf, type EntryMetadata, replayOf } from './entry-metadata.ts';
import { replayOutcomesOf, type StatusEntry, statusOf } from './letter-status.ts';
import type { LetterSummary } from './records.ts';

/** An entry as a listing returns it. */
export interface Listed {
  letter: string;
  kind: StatusEntry['kind'];
  key: string;
  /** Size of the object. */
  name: string;
  bytes: number;
  /** Creation time, in ms since the epoch. */
  at: number;
  metadata: EntryMetadata;
}

export function statusEntryOf({ kind, key, at, metadata }: Listed): StatusEntry {
  return { kind, key, at, replay: kind === 'death' ? replayOf(metadata) : undefined };
}

/** Summarizes the entries of one letter, mainly by its last death; undefined if it never died. */
export function summaryOf(letter: string, entries: readonly Listed[]): LetterSummary | undefined {
  const deaths = entries.filter(({ kind }) => kind === 'death').sort((a, b) => a.at - b.at);
  const last = deaths.at(-1);
  if (!last) return undefined;
  const states = entries.map(statusEntryOf);
  const { replay, diedAt, ...facts } = deathFactsOf(last.metadata);
  const before = deaths.slice(0, -1).map(({ metadata }) => deathFactsOf(metadata).diedAt);
  const times = [...before, diedAt].sort();
  return {
    letter,
    status: statusOf(states),
    ...facts,
    deaths: deaths.length,
    replays: replayOutcomesOf(states).length,
    firstDiedAt: times[0]!,
    lastDiedAt: times.at(-1)!,
    bytes: last.bytes,
  };
}

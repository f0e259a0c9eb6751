import { deathFactsOf, type EntryMetadata } from './entry-metadata.ts';
import { fatesOf, type StatusEntry, statusOf } from './letter-status.ts';
import type { LetterSummary } from './records.ts';

/** An entry as a listing gives it. */
export interface Listed {
  letter: string;
  kind: StatusEntry['kind'];
  key: string;
  /** Of the object. */
  name: string;
  bytes: number;
  /** When it was written, ms since the epoch. */
  at: number;
  metadata: EntryMetadata;
}

export function statusEntryOf({ kind, key, at, metadata }: Listed): StatusEntry {
  return { kind, key, at, replay: kind === 'death' ? deathFactsOf(metadata).replay : undefined };
}

/** What the entries of one letter tell, its last death first of all; undefined where it never died. */
export function summaryOf(letter: string, entries: readonly Listed[]): LetterSummary | undefined {
  const deaths = entries.filter(({ kind }) => kind === 'death').sort((a, b) => a.at - b.at);
  const last = deaths.at(-1);
  if (!last) return undefined;
  const states = entries.map(statusEntryOf);
  const times = deaths.map(({ metadata }) => deathFactsOf(metadata).diedAt).sort();
  const { replay, diedAt, ...facts } = deathFactsOf(last.metadata);
  return {
    letter,
    status: statusOf(states),
    ...facts,
    deaths: deaths.length,
    replays: fatesOf(states).length,
    firstDiedAt: times[0]!,
    lastDiedAt: times.at(-1)!,
    bytes: last.bytes,
  };
}

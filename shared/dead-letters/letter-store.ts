import { AppError } from '../core/errors.ts';
import type { ObjectFacts, ObjectStore } from '../storage/object-store.ts';
import { metadataOf } from './entry-metadata.ts';
import { entryFault } from './entry-shape.ts';
import { type ReplayOutcome, replayOutcomesOf, type StatusEntry, statusOf } from './letter-status.ts';
import { type Listed, statusEntryOf, summaryOf } from './letter-summary.ts';
import {
  type DeathRecord,
  type DiscardRecord,
  type LetterEntry,
  type LetterStatus,
  type LetterSummary,
  PREFIX,
  type ReplayRecord,
  type ResolvedRecord,
  type SendingRecord,
} from './records.ts';

export interface LetterOptions {
  signal?: AbortSignal | undefined;
}

/** An entry with the time at which it was written, by the storage service's clock. */
export interface StoredEntry<T extends LetterEntry = LetterEntry> {
  entry: T;
  at: Date;
}

/** A letter with its entries read, oldest first. */
export interface Letter {
  letter: string;
  status: LetterStatus;
  replays: ReplayOutcome[];
  entries: StoredEntry[];
  /** Number of older deaths that were not read. */
  unread: number;
}

type Fields<T> = Omit<T, 'schemaVersion' | 'kind'>;

/** Returns false, and writes nothing, if the same death is stored already. */
export function writeDeath(
  store: ObjectStore,
  record: DeathRecord,
  options: LetterOptions = {},
): Promise<boolean> {
  return write(store, record, options);
}

/** Must be called before a replay is published, or the function will not believe its mark. */
export function writeSending(
  store: ObjectStore,
  fields: Fields<SendingRecord>,
  options: LetterOptions = {},
): Promise<boolean> {
  return write(store, { schemaVersion: 1, kind: 'sending', ...fields }, options);
}

/** True if the replay is on record. One request, or two for a replay of an earlier release. */
export async function hasReplay(
  store: ObjectStore,
  { letter, key }: { letter: string; key: string },
  { signal }: LetterOptions = {},
): Promise<boolean> {
  for (const kind of ['sending', 'replay'] as const) {
    if ((await store.stat(entryName(letter, kind, key), { signal })) !== undefined) return true;
  }
  return false;
}

/** Marks a replay as published; to be called when Pub/Sub has confirmed it. False if it was marked before. */
export function writeReplay(
  store: ObjectStore,
  fields: Fields<ReplayRecord>,
  options: LetterOptions = {},
): Promise<boolean> {
  return write(store, { schemaVersion: 1, kind: 'replay', ...fields }, options);
}

/** `key` is a replay's, or that of a death whose event was found settled. False if it was recorded before. */
export function writeResolved(
  store: ObjectStore,
  fields: Fields<ResolvedRecord>,
  options: LetterOptions = {},
): Promise<boolean> {
  return write(store, { schemaVersion: 1, kind: 'resolved', ...fields }, options);
}

/** False if a discard with that key exists. */
export function writeDiscard(
  store: ObjectStore,
  fields: Fields<DiscardRecord>,
  options: LetterOptions = {},
): Promise<boolean> {
  return write(store, { schemaVersion: 1, kind: 'discard', ...fields }, options);
}

/** Every letter, from one listing in 16 parallel parts; reads no entry. Unordered. */
export async function listLetters(store: ObjectStore, options: LetterOptions = {}): Promise<LetterSummary[]> {
  const parts = await Promise.all(
    [...'0123456789abcdef'].map((digit) => summarize(store, `${PREFIX}${digit}`, options)),
  );
  return parts.flat();
}

/** Ids of letters that begin with `prefix`, sorted; at most `max` of them. */
export async function findLetters(
  store: ObjectStore,
  prefix: string,
  options: LetterOptions & { max?: number } = {},
): Promise<string[]> {
  const { max = 10, signal } = options;
  if (!/^[0-9a-f]{1,32}$/.test(prefix)) return [];
  const found = new Set<string>();
  for await (const facts of store.list({ prefix: `${PREFIX}${prefix}`, signal })) {
    const named = parseName(facts.name);
    if (named) found.add(named.letter);
    if (found.size >= max) break;
  }
  return [...found];
}

/** The summary of one letter; undefined if it does not exist. `letter` has 32 digits. */
export async function readSummary(
  store: ObjectStore,
  letter: string,
  options: LetterOptions = {},
): Promise<LetterSummary | undefined> {
  const [summary] = await summarize(store, `${PREFIX}${letter}/`, options);
  return summary;
}

/**
 * One letter with its entries, but only the newest `deaths` of its deaths (default 20): each may hold 10 MB.
 * Undefined if it does not exist. `letter` has 32 digits.
 */
export async function readLetter(
  store: ObjectStore,
  letter: string,
  options: LetterOptions & { deaths?: number } = {},
): Promise<Letter | undefined> {
  const { deaths: most = 20, signal } = options;
  const listed: Listed[] = [];
  for await (const facts of store.list({ prefix: `${PREFIX}${letter}/`, signal })) {
    const entry = listedEntry(facts);
    if (entry) listed.push(entry);
  }
  if (listed.length === 0) return undefined;
  listed.sort((a, b) => a.at - b.at);
  const deaths = listed.filter(({ kind }) => kind === 'death');
  const unread = new Set(deaths.slice(0, Math.max(0, deaths.length - most)));
  const entries: StoredEntry[] = [];
  for (const one of listed) {
    if (unread.has(one)) continue;
    const stored = await store.get(one.name, { withoutMetadata: true, signal });
    // expired since the listing
    if (stored) entries.push({ entry: parseEntry(stored.body, one.name), at: new Date(one.at) });
  }
  const states = listed.map(statusEntryOf);
  return {
    letter,
    status: statusOf(states),
    replays: replayOutcomesOf(states),
    entries,
    unread: unread.size,
  };
}

/** One entry, read whole; undefined if it does not exist. */
export async function readEntry<K extends LetterEntry['kind']>(
  store: ObjectStore,
  { letter, kind, key }: { letter: string; kind: K; key: string },
  { signal }: LetterOptions = {},
): Promise<Extract<LetterEntry, { kind: K }> | undefined> {
  const name = entryName(letter, kind, key);
  const stored = await store.get(name, { withoutMetadata: true, signal });
  return stored && (parseEntry(stored.body, name) as Extract<LetterEntry, { kind: K }>);
}

export function entryName(letter: string, kind: LetterEntry['kind'], key: string): string {
  if (!/^[0-9a-f]{32}$/.test(letter) || !/^[0-9a-z-]{1,64}$/.test(key)) {
    throw new AppError(
      'internal',
      `letter must be 32 hex digits and key [0-9a-z-]{1,64}, got ${letter} and ${key}`,
    );
  }
  return `${PREFIX}${letter}/${kind}-${key}.json`;
}

async function write(store: ObjectStore, entry: LetterEntry, { signal }: LetterOptions): Promise<boolean> {
  const name = entryName(entry.letter, entry.kind, entry.key);
  const outcome = await store.putIfAbsent(name, Buffer.from(JSON.stringify(entry)), {
    contentType: 'application/json',
    metadata: metadataOf(entry),
    signal,
  });
  return outcome.kind === 'written';
}

async function summarize(
  store: ObjectStore,
  prefix: string,
  { signal }: LetterOptions,
): Promise<LetterSummary[]> {
  const summaries: LetterSummary[] = [];
  let letter = '';
  let entries: Listed[] = [];
  const finish = (): void => {
    const summary = summaryOf(letter, entries);
    if (summary) summaries.push(summary);
  };
  // names sort by letter, so a letter's entries are adjacent
  for await (const facts of store.list({ prefix, signal })) {
    const entry = listedEntry(facts);
    if (!entry) continue;
    if (entry.letter !== letter) {
      finish();
      letter = entry.letter;
      entries = [];
    }
    entries.push(entry);
  }
  finish();
  return summaries;
}

function listedEntry(facts: ObjectFacts): Listed | undefined {
  const named = parseName(facts.name);
  return (
    named && {
      ...named,
      name: facts.name,
      bytes: facts.size,
      at: facts.updated.getTime(),
      metadata: facts.metadata,
    }
  );
}

function parseName(name: string): Pick<Listed, 'letter' | 'kind' | 'key'> | undefined {
  const found =
    /^dead-letters\/([0-9a-f]{32})\/(death|sending|replay|resolved|discard)-([0-9a-z-]{1,64})\.json$/.exec(
      name,
    );
  if (!found) return undefined;
  const [, letter = '', kind, key = ''] = found;
  return { letter, kind: kind as StatusEntry['kind'], key };
}

function parseEntry(body: Uint8Array, name: string): LetterEntry {
  let entry: unknown;
  try {
    entry = JSON.parse(Buffer.from(body).toString());
  } catch {
    // the parser's own message quotes the text
    throw new AppError('internal', `${name} is not JSON`);
  }
  const fault = entryFault(entry);
  if (fault === undefined) return entry as LetterEntry;
  throw new AppError('internal', `${name} is damaged: ${fault}`);
}

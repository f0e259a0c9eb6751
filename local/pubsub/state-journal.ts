import { existsSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type AppendFile, eachLine, openAppendFile } from './append-file.ts';
import type { SubscriptionRecord, TopicRecord } from './records.ts';

/** One line per change. Entries use subscription numbers: unlike names, they are never reused. */
export type Entry =
  | { topic: TopicRecord }
  | { deletedTopic: string }
  | { subscription: SubscriptionRecord; no: number }
  | { deletedSubscription: number }
  | { ack: number; ids: number[] }
  /** Number of failed deliveries of a message so far. */
  | { failed: number; id: number; count: number }
  /** Among the messages up to `upTo`, the subscription holds `ids`, and has acknowledged those in `acked`. */
  | { held: number; upTo: number; ids: number[]; acked: number[] }
  /** Seeks to the time `ms`: earlier messages up to `upTo` become acknowledged, later ones unacknowledged. */
  | { seek: number; upTo: number; ms: number }
  /** Subscription numbers up to this one are used. */
  | { numbers: number };

export interface StateJournal {
  /** On disk when it returns. */
  append(entry: Entry): void;
  /** On disk soon: for changes not yet confirmed to anyone. */
  appendSoon(entry: Entry): void;
  flush(): void;
  close(): void;
}

/** Delay before a failed write is retried, in ms. */
const RETRY_MS = 1_000;
const MIN_REWRITE_BYTES = 4 * 1024 * 1024;

/** Replays the file through `onEntries`, then rewrites it from `snapshot` whenever it has grown fivefold. */
export function openStateJournal(
  path: string,
  onEntries: (entries: readonly Entry[]) => void,
  snapshot: () => Iterable<Entry>,
  minRewriteBytes = MIN_REWRITE_BYTES,
  onTrouble: (error: unknown) => void = () => {},
): StateJournal {
  rmSync(`${path}.next`, { force: true });
  onEntries(existsSync(path) ? readEntries(path) : []);
  let file: AppendFile | undefined;
  let rewriteAt = 0;
  let waiting: Entry[] = [];
  let timer: NodeJS.Immediate | undefined;
  let retry: NodeJS.Timeout | undefined;

  const rewrite = (): void => {
    const lines: string[] = [];
    for (const entry of snapshot()) lines.push(`${JSON.stringify(entry)}\n`);
    try {
      writeFileSync(`${path}.next`, lines.join(''));
    } catch (error) {
      rmSync(`${path}.next`, { force: true });
      throw error;
    }
    renameSync(`${path}.next`, path);
    file?.close();
    file = openAppendFile(path);
    rewriteAt = file.size * 5 + minRewriteBytes;
  };
  rewrite();

  const write = (entries: readonly Entry[]): void => {
    if (!file) throw new Error('the journal is closed');
    file.append(Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')));
  };
  const flush = (): void => {
    if (timer) clearImmediate(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    write(mergeAcks(waiting));
    waiting = [];
  };
  /** A full disk may have room later: pending entries are kept, and so is the old file. */
  const tidy = (): void => {
    try {
      flush();
      if (file && file.size >= rewriteAt) rewrite();
    } catch (error) {
      if (!retry) onTrouble(error);
      retry = setTimeout(tidy, RETRY_MS).unref();
      return;
    }
    retry = undefined;
  };
  // deferred until callers have applied what they appended: the snapshot then includes it
  const soon = (): void => {
    if (retry === undefined) timer ??= setImmediate(tidy);
  };
  return {
    append(entry) {
      flush();
      write([entry]);
      soon();
    },
    appendSoon(entry) {
      waiting.push(entry);
      soon();
    },
    flush,
    close() {
      clearTimeout(retry);
      try {
        flush();
      } finally {
        file?.close();
        file = undefined;
      }
    },
  };
}

/** Encodes rising numbers as differences, which are short. */
export function toDeltas(ids: Iterable<number>): number[] {
  let last = 0;
  return Array.from(ids, (id) => {
    const delta = id - last;
    last = id;
    return delta;
  });
}

export function fromDeltas(deltas: readonly number[]): number[] {
  let last = 0;
  return deltas.map((delta) => {
    last += delta;
    return last;
  });
}

/** Merges adjacent acknowledgements of one subscription into one line. */
function mergeAcks(entries: readonly Entry[]): Entry[] {
  const merged: Entry[] = [];
  for (const entry of entries) {
    const last = merged.at(-1);
    if ('ack' in entry && last && 'ack' in last && last.ack === entry.ack) last.ids.push(...entry.ids);
    else merged.push('ack' in entry ? { ack: entry.ack, ids: [...entry.ids] } : entry);
  }
  return merged;
}

function readEntries(path: string): Entry[] {
  const bytes = readFileSync(path);
  const entries: Entry[] = [];
  const end = eachLine(bytes, (start, stop) => {
    entries.push(JSON.parse(bytes.toString('utf8', start, stop)) as Entry);
  });
  if (end < bytes.length) truncateSync(path, end);
  return entries;
}

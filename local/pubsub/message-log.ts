import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type AppendFile, eachLine, openAppendFile } from './append-file.ts';

/** A message on disk; only what is needed to find and order it is in memory. */
export interface StoredMessage {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly publishMs: number;
  /** Ordering key; empty if there is none. */
  readonly key: string;
  /** Number of backlogs that hold it. */
  holders: number;
  place: Place;
}

interface Place {
  readonly segment: Segment;
  readonly offset: number;
  /** Bytes before the message itself. */
  readonly head: number;
  readonly length: number;
}

interface Segment {
  readonly path: string;
  readonly file: AppendFile;
  /** Bytes of lines that are still held. */
  live: number;
}

export interface NewMessage {
  id: number;
  publishMs: number;
  key: string;
  /** Numbers of its subscriptions. */
  to: readonly number[];
  /** The message as the API's JSON. */
  json: Buffer;
}

export interface MessageLog {
  /** Highest id ever written, or 0. */
  readonly lastId: number;
  /** All of them are on disk when it returns. Each starts with one holder per subscription. */
  append(messages: readonly NewMessage[]): StoredMessage[];
  /** The message as the API's JSON. */
  read(message: StoredMessage): Buffer;
  /** Removes one holder; after the last one, its space is reclaimed eventually. */
  release(message: StoredMessage): void;
  close(): void;
}

const SEGMENT_BYTES = 32 * 1024 * 1024;
/** A segment with less than this share of live bytes is compacted. */
const SPARSE = 0.25;

/**
 * Messages in segment files, one per line: a header with id, time, key and subscriptions, a tab, the message. Calls
 * `onMessage` for every one found, in id order; each has 0 holders until it is taken.
 */
export function openMessageLog(
  dir: string,
  onMessage: (message: StoredMessage, to: readonly number[]) => void,
  segmentBytes = SEGMENT_BYTES,
): MessageLog {
  mkdirSync(dir, { recursive: true });
  const messages = new Map<number, StoredMessage>();
  const segments = new Set<Segment>();
  let lastId = 0;
  let number = 0;
  let current: Segment | undefined;

  const openSegment = (name: string): Segment => {
    const path = join(dir, name);
    const segment = { path, file: openAppendFile(path), live: 0 };
    segments.add(segment);
    return segment;
  };
  const drop = (segment: Segment): void => {
    segments.delete(segment);
    segment.file.close();
    rmSync(segment.path, { force: true });
  };
  const hold = (message: StoredMessage): void => {
    message.place.segment.live += lineLength(message.place);
    messages.set(message.id, message);
  };

  const load = (): void => {
    const found: { message: StoredMessage; to: readonly number[] }[] = [];
    const names = readdirSync(dir)
      .filter((name) => /^\d+\.log$/.test(name))
      .sort();
    for (const name of names) {
      // a kill can tear only the last write, which is in the last file
      const bytes = wholeLines(join(dir, name));
      const segment = openSegment(name);
      eachLine(bytes, (start, stop) => {
        const tab = bytes.indexOf(9, start);
        const [id, publishMs, key, to] = JSON.parse(bytes.toString('utf8', start, tab)) as Header;
        const place = { segment, offset: start, head: tab + 1 - start, length: stop - tab - 1 };
        lastId = Math.max(lastId, id);
        found.push({ message: { id, publishMs, key, holders: 0, place }, to });
      });
      number = Number.parseInt(name, 10);
      current = segment;
    }
    // a kill while moving a line to a later segment leaves it in both
    found.sort((a, b) => a.message.id - b.message.id);
    for (const [index, { message, to }] of found.entries()) {
      if (found[index + 1]?.message.id === message.id) continue;
      onMessage(message, to);
      if (message.holders > 0) hold(message);
    }
    for (const segment of segments) if (segment !== current && segment.live === 0) drop(segment);
  };
  load();

  /** The segment with room for this many more bytes. */
  const roomFor = (bytes: number): Segment => {
    if (current && (current.file.size === 0 || current.file.size + bytes <= segmentBytes)) return current;
    const full = current;
    current = openSegment(`${String(++number).padStart(10, '0')}.log`);
    if (full) tidy(full);
    return current;
  };
  const tidy = (segment: Segment): void => {
    if (segment === current || !segments.has(segment)) return;
    if (segment.live === 0) drop(segment);
    else if (segment.live < segment.file.size * SPARSE) mayEmpty(segment);
  };
  /** Compaction saves space; without room for the copy it is postponed. */
  const mayEmpty = (segment: Segment): void => {
    try {
      empty(segment);
    } catch {
      // lines already moved are there twice, which the next start handles
    }
  };
  const empty = (segment: Segment): void => {
    for (const message of messages.values()) {
      const { place } = message;
      if (place.segment !== segment) continue;
      const line = segment.file.read(place.offset, lineLength(place));
      // no roll-over here: little is moved, and rolling would compact again
      const target = current!;
      message.place = { ...place, segment: target, offset: target.file.append(line) };
      target.live += line.length;
    }
    drop(segment);
  };

  return {
    get lastId() {
      return lastId;
    },
    append(batch) {
      const parts: Buffer[] = [];
      const heads: number[] = [];
      for (const { id, publishMs, key, to, json } of batch) {
        const head = Buffer.from(`${JSON.stringify([id, publishMs, key, to] satisfies Header)}\t`);
        heads.push(head.length);
        parts.push(head, json, NEWLINE);
      }
      const whole = Buffer.concat(parts);
      const segment = roomFor(whole.length);
      let offset = segment.file.append(whole);
      return batch.map(({ id, publishMs, key, to, json }, index) => {
        const place = { segment, offset, head: heads[index]!, length: json.length };
        offset += lineLength(place);
        lastId = Math.max(lastId, id);
        const message: StoredMessage = { id, publishMs, key, holders: to.length, place };
        hold(message);
        return message;
      });
    },
    read({ place }) {
      return place.segment.file.read(place.offset + place.head, place.length);
    },
    release(message) {
      if (--message.holders > 0) return;
      messages.delete(message.id);
      const { segment } = message.place;
      segment.live -= lineLength(message.place);
      tidy(segment);
    },
    close() {
      for (const segment of segments) segment.file.close();
    },
  };
}

type Header = [id: number, publishMs: number, key: string, to: readonly number[]];

const NEWLINE = Buffer.from('\n');

/** Reads the file; a torn last line is cut off on disk, too. */
function wholeLines(path: string): Buffer {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(10) + 1;
  if (end < bytes.length) truncateSync(path, end);
  return bytes.subarray(0, end);
}

function lineLength(place: Place): number {
  return place.head + place.length + 1;
}

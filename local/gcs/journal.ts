import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { BucketRecord, ObjectRecord } from './records.ts';

/**
 * One line per change. A write of an object and its event are one line, so that a killed process leaves both or
 * neither.
 */
export type Entry =
  | { bucket: BucketRecord }
  | { deletedBucket: string }
  | { object: ObjectRecord; finalized?: true }
  | { deleted: { bucket: string; name: string } }
  /** A finalized event whose object's entry was dropped when the journal was rewritten. */
  | { pending: ObjectRecord }
  | { ack: string };

export interface Journal {
  append(entry: Entry): void;
  /** Entries written since the last rewrite. */
  readonly length: number;
  /** Replaces the whole journal by these entries, atomically; if the disk is full, it stays as it is. */
  rewrite(entries: Iterable<Entry>): void;
  close(): void;
}

/** Calls `replay` with every complete entry; a last line torn by a killed process is dropped. */
export function openJournal(file: string, replay: (entry: Entry) => void): Journal {
  let length = existsSync(file) ? readBack(file, replay) : 0;
  let fd = openSync(file, 'a');
  return {
    append(entry) {
      const line = Buffer.from(`${JSON.stringify(entry)}\n`);
      const before = fstatSync(fd).size;
      try {
        if (writeSync(fd, line) !== line.length)
          throw new Error(`disk full: ${file} has only part of an entry`);
      } catch (error) {
        ftruncateSync(fd, before);
        throw error;
      }
      length++;
    },
    get length() {
      return length;
    },
    rewrite(entries) {
      const lines: string[] = [];
      for (const entry of entries) lines.push(`${JSON.stringify(entry)}\n`);
      const next = `${file}.next`;
      try {
        writeFileSync(next, lines.join(''));
      } catch {
        // no room: keep the longer one
        rmSync(next, { force: true });
        length = 0;
        return;
      }
      renameSync(next, file);
      closeSync(fd);
      fd = openSync(file, 'a');
      length = lines.length;
    },
    close: () => closeSync(fd),
  };
}

function readBack(file: string, replay: (entry: Entry) => void): number {
  const bytes = readFileSync(file);
  let [start, count] = [0, 0];
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    replay(JSON.parse(bytes.toString('utf8', start, end)) as Entry);
    start = end + 1;
    count++;
  }
  if (start < bytes.length) truncateSync(file, start);
  return count;
}

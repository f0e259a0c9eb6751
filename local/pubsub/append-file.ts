import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

/** An append-only file; each write is complete or absent. */
export interface AppendFile {
  readonly size: number;
  /** Returns the offset of the first byte written. The bytes then survive a kill of this process. */
  append(bytes: Buffer): number;
  read(offset: number, length: number): Buffer;
  close(): void;
}

export function openAppendFile(path: string): AppendFile {
  const fd = openSync(path, 'a+');
  let size = fstatSync(fd).size;
  let closed = false;
  // its number may by then be another file's
  const check = (): void => {
    if (closed) throw new Error(`${path} is closed`);
  };
  return {
    get size() {
      return size;
    },
    append(bytes) {
      check();
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      } catch (error) {
        ftruncateSync(fd, size);
        throw error;
      }
      const offset = size;
      size += bytes.length;
      return offset;
    },
    read(offset, length) {
      check();
      const bytes = Buffer.allocUnsafe(length);
      for (let done = 0; done < length; ) {
        const count = readSync(fd, bytes, done, length - done, offset + done);
        if (count === 0)
          throw new Error(`${path} ends at ${offset + done}; bytes up to ${offset + length} were requested`);
        done += count;
      }
      return bytes;
    },
    close() {
      if (!closed) closeSync(fd);
      closed = true;
    },
  };
}

/** Calls `onLine` with the bounds of every complete line; returns the end of the last one. */
export function eachLine(bytes: Buffer, onLine: (start: number, end: number) => void): number {
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    onLine(start, end);
    start = end + 1;
  }
  return start;
}

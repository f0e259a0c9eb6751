import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c, crc32cText } from '../../shared/storage/crc32c.ts';

/** Bodies up to this size are gathered in memory and written at once. */
const SMALL = 256 * 1024;

export interface BodyFacts {
  body: string;
  size: number;
  crc32c: string;
  md5Hash: string;
}

/** Files named by the server, never by a client, so no object name can point outside the folder. */
export interface Bodies {
  create(): BodyWriter;
  /** A name for a body that the caller writes. */
  reserve(): string;
  path(body: string): string;
  /** A second name for the same bytes: a copy without cost. */
  link(body: string): string;
  remove(body: string): void;
  /** Deletes every file that is not in use. */
  sweep(used: ReadonlySet<string>): void;
}

export interface BodyWriter {
  readonly size: number;
  write(chunk: Uint8Array): Promise<void>;
  finish(): Promise<BodyFacts>;
  /** Deletes the file. */
  discard(): Promise<void>;
}

export function openBodies(dir: string): Bodies {
  mkdirSync(dir, { recursive: true });
  const path = (body: string): string => join(dir, body);
  const newBody = (): string => {
    const id = randomUUID();
    const folder = id.slice(0, 2);
    if (!existsSync(path(folder))) mkdirSync(path(folder), { recursive: true });
    return join(folder, id);
  };
  const remove = (body: string): void => rmSync(path(body), { force: true });
  return {
    create: () => createWriter(newBody(), path, remove),
    reserve: newBody,
    path,
    link(body) {
      const copy = newBody();
      linkSync(path(body), path(copy));
      return copy;
    },
    remove,
    sweep(used) {
      for (const folder of readdirSync(dir)) {
        for (const file of readdirSync(path(folder))) {
          const body = join(folder, file);
          if (!used.has(body)) unlinkSync(path(body));
        }
      }
    },
  };
}

function createWriter(
  body: string,
  path: (body: string) => string,
  remove: (body: string) => void,
): BodyWriter {
  const hash = createHasher();
  let gathered: Uint8Array[] = [];
  let file: FileHandle | undefined;
  let ended = false;
  return {
    get size() {
      return hash.size;
    },
    async write(chunk) {
      hash.update(chunk);
      if (file) return writeAll(file, chunk);
      gathered.push(chunk);
      if (hash.size <= SMALL) return;
      file = await open(path(body), 'w');
      const first = Buffer.concat(gathered);
      gathered = [];
      await writeAll(file, first);
    },
    async finish() {
      if (ended) throw new Error('the body was already ended');
      ended = true;
      if (file) await file.close();
      else writeFileSync(path(body), Buffer.concat(gathered));
      return { body, ...hash.digest() };
    },
    async discard() {
      if (!ended) await file?.close();
      ended = true;
      gathered = [];
      remove(body);
    },
  };
}

export async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    at += (await file.write(chunk, at, chunk.length - at)).bytesWritten;
  }
}

export interface Hasher {
  readonly size: number;
  update(chunk: Uint8Array): void;
  digest(): { size: number; crc32c: string; md5Hash: string };
}

export function createHasher(): Hasher {
  const md5 = createHash('md5');
  let [crc, size] = [0, 0];
  return {
    get size() {
      return size;
    },
    update(chunk) {
      crc = crc32c(chunk, crc);
      md5.update(chunk);
      size += chunk.length;
    },
    digest: () => ({ size, crc32c: crc32cText(crc), md5Hash: md5.digest('base64') }),
  };
}

export function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

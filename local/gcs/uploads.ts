import { randomUUID } from 'node:crypto';
import {
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bodies, type BodyFacts, createHasher, fileSize, type Hasher, writeAll } from './bodies.ts';
import type { ObjectSettings } from './records.ts';

/** All chunks but the last are multiples of this; a broken chunk is truncated to one. */
export const QUANTUM = 256 * 1024;

/** Parameters fixed by the first request of a resumable upload. */
export interface UploadPlan {
  bucket: string;
  name: string;
  settings: ObjectSettings;
  /** Query of the first request: its preconditions apply at the end, too. */
  query: string;
  crc32c?: string;
  md5Hash?: string;
  /** `X-Upload-Content-Length`. */
  size?: number;
}

export interface Session {
  readonly id: string;
  readonly plan: UploadPlan;
  /** Bytes stored so far. */
  readonly size: number;
  /** Appends; if `chunks` breaks off, what arrived is kept, truncated to a whole quantum. */
  append(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Truncates to this many bytes. */
  truncate(size: number): void;
  facts(): Promise<BodyFacts>;
  /** Runs one request of the session at a time. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

export interface Uploads {
  create(plan: UploadPlan): Session;
  find(id: string): Session | undefined;
  /** Ends the session; `keepBody` if an object now owns the body. */
  end(session: Session, keepBody: boolean): void;
  bodies(): string[];
}

interface Stored {
  id: string;
  body: string;
  plan: UploadPlan;
}

/** Resumable uploads: each has a plan file and a growing body; both survive a restart. */
export function openUploads(dir: string, bodies: Bodies): Uploads {
  mkdirSync(dir, { recursive: true });
  const sessions = new Map<string, { session: Session; body: string }>();
  const file = (id: string): string => join(dir, `${id}.json`);
  const add = (stored: Stored): Session => {
    const session = createSession(stored, bodies);
    sessions.set(stored.id, { session, body: stored.body });
    return session;
  };
  for (const name of readdirSync(dir)) {
    if (name.endsWith('.json')) add(JSON.parse(readFileSync(join(dir, name), 'utf8')) as Stored);
    else rmSync(join(dir, name));
  }
  return {
    create(plan) {
      const id = randomUUID();
      const stored = { id, body: bodies.reserve(), plan };
      writeFileSync(`${file(id)}.next`, JSON.stringify(stored));
      renameSync(`${file(id)}.next`, file(id));
      return add(stored);
    },
    find: (id) => sessions.get(id)?.session,
    end({ id }, keepBody) {
      const known = sessions.get(id);
      sessions.delete(id);
      rmSync(file(id), { force: true });
      if (known && !keepBody) bodies.remove(known.body);
    },
    bodies: () => [...sessions.values()].map(({ body }) => body),
  };
}

function createSession({ id, body, plan }: Stored, bodies: Bodies): Session {
  const path = bodies.path(body);
  let size = fileSize(path);
  // checksums of bytes from an earlier process or a broken chunk are recomputed from the file
  let hasher: Hasher | undefined = size === 0 ? createHasher() : undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const truncate = (to: number): void => {
    if (to === size) return;
    truncateSync(path, to);
    size = to;
    hasher = undefined;
  };
  truncate(size - (size % QUANTUM));
  const currentHasher = async (): Promise<Hasher> => {
    if (hasher) return hasher;
    const fresh = createHasher();
    if (size > 0) for await (const chunk of createReadStream(path)) fresh.update(chunk as Buffer);
    hasher = fresh;
    return fresh;
  };

  return {
    id,
    plan,
    get size() {
      return size;
    },
    async append(chunks) {
      const hash = await currentHasher();
      const handle = await open(path, 'a');
      try {
        for await (const chunk of chunks) {
          hash.update(chunk);
          await writeAll(handle, chunk);
          size += chunk.length;
        }
      } catch (error) {
        size = fileSize(path);
        hasher = undefined;
        truncate(size - (size % QUANTUM));
        throw error;
      } finally {
        await handle.close();
      }
    },
    truncate,
    async facts() {
      if (size === 0) writeFileSync(path, '');
      const digest = (await currentHasher()).digest();
      hasher = undefined;
      return { body, ...digest };
    },
    exclusive(work) {
      const mine = turn.then(work, work);
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}

import { createHash } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ObjectFacts, ObjectStore } from '../../shared/storage/object-store.ts';

/**
 * An ObjectStore on a local folder, for tables that other engines read and write there. A file's
 * generation is its modification time. `setUpdated` sets that time for tests.
 */
export function dirStore(root: string): ObjectStore & { setUpdated(name: string, at: Date): Promise<void> } {
  const pathOf = (name: string): string => join(root, name);
  let serial = 0;

  const factsOf = async (name: string): Promise<ObjectFacts | undefined> => {
    const info = await stat(pathOf(name)).catch(() => undefined);
    if (!info?.isFile()) return undefined;
    return {
      name,
      generation: String(Math.round(info.mtimeMs * 1000)),
      metageneration: '1',
      size: info.size,
      contentType: undefined,
      crc32c: '',
      metadata: {},
      updated: info.mtime,
    };
  };

  return {
    bucket: `file:${createHash('sha256').update(root).digest('hex').slice(0, 8)}`,
    stat: factsOf,
    async get(name) {
      const body = await readFile(pathOf(name)).catch(() => undefined);
      const facts = await factsOf(name);
      return body && facts ? { facts, body } : undefined;
    },
    async getRange(name, offset, length) {
      const file = await open(pathOf(name)).catch(() => undefined);
      if (file === undefined) return undefined;
      try {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    async putIfAbsent(name, body) {
      await mkdir(dirname(pathOf(name)), { recursive: true });
      // a link fails if the name is taken, and makes the file visible atomically
      const draft = join(root, `.draft-${process.pid}-${serial++}`);
      await writeFile(draft, body);
      try {
        await link(draft, pathOf(name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        return { kind: 'exists' };
      } finally {
        await rm(draft);
      }
      return { kind: 'written', facts: (await factsOf(name)) as ObjectFacts };
    },
    async replaceIf(name, generation, body) {
      const facts = await factsOf(name);
      if (facts?.generation !== generation) return { kind: 'changed' };
      await writeFile(pathOf(name), body);
      return { kind: 'written', facts: (await factsOf(name)) as ObjectFacts };
    },
    async *list({ prefix = '', startOffset = '' } = {}) {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      const names = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
        .filter((name) => name.startsWith(prefix) && !name.startsWith('.draft-'))
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      for (const name of names) {
        if (Buffer.compare(Buffer.from(name), Buffer.from(startOffset)) < 0) continue;
        const facts = await factsOf(name);
        if (facts) yield facts;
      }
    },
    async delete(name) {
      const facts = await factsOf(name);
      if (facts) await rm(pathOf(name));
      return facts !== undefined;
    },
    setUpdated: (name, at) => utimes(pathOf(name), at, at),
  };
}

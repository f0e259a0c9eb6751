import { AppError } from '../core/errors.ts';
import { crc32cOf } from './crc32c.ts';
import { compareNames, objectNameFault } from './object-name.ts';
import type {
  ListOptions,
  ObjectFacts,
  ObjectStore,
  ReadOptions,
  Storage,
  StoredObject,
  WriteOptions,
} from './object-store.ts';

/**
 * Object storage in memory, for tests: responds like Cloud Storage, including generations and checksums. Every
 * bucket exists. All buckets of one storage draw generations from one increasing sequence.
 */
export function createMemoryStorage(options: { now?: () => number } = {}): Storage {
  const buckets = new Map<string, ObjectStore>();
  const now = options.now ?? Date.now;
  let last = 0n;
  const nextGeneration = (): string => {
    const wall = BigInt(Math.trunc(now())) * 1000n;
    last = wall > last ? wall : last + 1n;
    return last.toString();
  };
  return {
    bucket(name) {
      const existing = buckets.get(name);
      if (existing) return existing;
      const created = createBucket(name, nextGeneration, now);
      buckets.set(name, created);
      return created;
    },
  };
}

function createBucket(bucket: string, nextGeneration: () => string, now: () => number): ObjectStore {
  const objects = new Map<string, StoredObject>();

  const find = (name: string, options: ReadOptions = {}): StoredObject | undefined => {
    check(name, options.signal);
    const live = objects.get(name);
    if (options.generation !== undefined && live?.facts.generation !== options.generation) return undefined;
    return live;
  };

  const write = (
    name: string,
    body: Uint8Array,
    options: WriteOptions,
  ): { kind: 'written'; facts: ObjectFacts } => {
    const facts: ObjectFacts = {
      name,
      generation: nextGeneration(),
      metageneration: '1',
      size: body.length,
      contentType: options.contentType ?? 'application/octet-stream',
      crc32c: crc32cOf(body),
      metadata: { ...options.metadata },
      updated: new Date(now()),
    };
    // not `slice`, which on a Buffer shares its bytes
    objects.set(name, { facts, body: new Uint8Array(body) });
    return { kind: 'written', facts: copyFacts(facts) };
  };

  return {
    bucket,
    async stat(name, options) {
      const found = find(name, options);
      return found && copyFacts(found.facts);
    },
    async get(name, options) {
      const found = find(name, options);
      return found && { facts: copyFacts(found.facts), body: found.body.slice() };
    },
    async getRange(name, offset, length, options) {
      checkRange(offset, length);
      return find(name, options)?.body.slice(offset, offset + length);
    },
    async putIfAbsent(name, body, options = {}) {
      check(name, options.signal);
      return objects.has(name) ? { kind: 'exists' } : write(name, body, options);
    },
    async replaceIf(name, generation, body, options = {}) {
      check(name, options.signal);
      if (objects.get(name)?.facts.generation !== generation) return { kind: 'changed' };
      return write(name, body, options);
    },
    async *list(options: ListOptions = {}) {
      const { prefix = '', startOffset = '', signal } = options;
      signal?.throwIfAborted();
      const names = [...objects.keys()]
        .filter((name) => name.startsWith(prefix) && compareNames(name, startOffset) >= 0)
        .sort(compareNames);
      for (const name of names) {
        signal?.throwIfAborted();
        const found = objects.get(name);
        if (found) yield copyFacts(found.facts);
      }
    },
    async delete(name, options) {
      return find(name, options) !== undefined && objects.delete(name);
    },
  };
}

function check(name: string, signal: AbortSignal | undefined): void {
  signal?.throwIfAborted();
  const fault = objectNameFault(name);
  if (fault) throw new AppError('internal', fault);
}

function checkRange(offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0) return;
  throw new AppError('internal', `a range must be two whole numbers from 0, got ${offset} and ${length}`);
}

function copyFacts(facts: ObjectFacts): ObjectFacts {
  return { ...facts, metadata: { ...facts.metadata }, updated: new Date(facts.updated) };
}

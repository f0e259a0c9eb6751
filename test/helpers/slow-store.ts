import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/** Milliseconds that each kind of request takes; `absent` is a read or listing that finds nothing. */
export interface Latency {
  put: number;
  get: number;
  absent: number;
}

/** Requests and bytes since the counts were last reset. */
export interface StoreCounts {
  puts: number;
  gets: number;
  lists: number;
  deletes: number;
  bytesRead: number;
  bytesWritten: number;
}

export function newCounts(): StoreCounts {
  return { puts: 0, gets: 0, lists: 0, deletes: 0, bytesRead: 0, bytesWritten: 0 };
}

/** A store that adds latency to its requests, as a real one has, and counts them. */
export function slowStore(
  inner: ObjectStore,
  latency: Latency,
  counts: StoreCounts = newCounts(),
): ObjectStore {
  const reading = async <T>(
    read: Promise<T | undefined>,
    size: (found: T) => number,
  ): Promise<T | undefined> => {
    counts.gets++;
    const found = await read;
    await delay(found === undefined ? latency.absent : latency.get);
    if (found !== undefined) counts.bytesRead += size(found);
    return found;
  };
  const writing = async <T>(body: Uint8Array, write: () => Promise<T>): Promise<T> => {
    counts.puts++;
    counts.bytesWritten += body.length;
    // half before and half after, since the outcome is decided in between
    await delay(latency.put / 2);
    const outcome = await write();
    await delay(latency.put / 2);
    return outcome;
  };
  return {
    bucket: inner.bucket,
    stat: (name, options) => reading(inner.stat(name, options), () => 0),
    get: (name, options) => reading(inner.get(name, options), (found) => found.body.length),
    getRange: (name, offset, length, options) =>
      reading(inner.getRange(name, offset, length, options), (found) => found.length),
    putIfAbsent: (name, body, options) => writing(body, () => inner.putIfAbsent(name, body, options)),
    replaceIf: (name, generation, body, options) =>
      writing(body, () => inner.replaceIf(name, generation, body, options)),
    async *list(options) {
      counts.lists++;
      await delay(latency.get);
      yield* inner.list(options);
    },
    async delete(name, options) {
      counts.deletes++;
      await delay(latency.absent);
      return inner.delete(name, options);
    },
  };
}

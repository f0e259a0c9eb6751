import type { ObjectStore } from '../../shared/storage/object-store.ts';

export interface StoreCounts {
  /** Number of requests: one per call, two for a `get` with facts, one per thousand listed objects. */
  requests: number;
  /** Bytes read in bodies. */
  bytes: number;
}

/** Objects in one answer to a listing (https://cloud.google.com/storage/docs/json_api/v1/objects/list). */
const LISTED_AT_ONCE = 1_000;

/** Wraps the store, and counts its requests and the bytes read. */
export function countingStore(inner: ObjectStore, counts: StoreCounts): ObjectStore {
  const counted = async <T>(call: Promise<T>, bytesOf?: (result: T) => number): Promise<T> => {
    counts.requests++;
    const result = await call;
    counts.bytes += bytesOf?.(result) ?? 0;
    return result;
  };
  return {
    bucket: inner.bucket,
    stat: (name, options) => counted(inner.stat(name, options)),
    get: (name, options) => counted(inner.get(name, options), (found) => found?.body.length ?? 0),
    getRange: (name, offset, length, options) =>
      counted(inner.getRange(name, offset, length, options), (found) => found?.length ?? 0),
    putIfAbsent: (name, body, options) => counted(inner.putIfAbsent(name, body, options)),
    replaceIf: (name, generation, body, options) => counted(inner.replaceIf(name, generation, body, options)),
    async *list(options) {
      counts.requests++;
      let listed = 0;
      for await (const facts of inner.list(options)) {
        if (listed > 0 && listed % LISTED_AT_ONCE === 0) counts.requests++;
        listed++;
        yield facts;
      }
    },
    delete: (name, options) => counted(inner.delete(name, options)),
  };
}

import { deadline } from '../../core/retry.ts';
import type { ObjectFacts, ObjectStore } from '../../storage/object-store.ts';

interface Options {
  signal?: AbortSignal | undefined;
}

/**
 * The store with a time limit for each request, after which it fails with `timeout`: a request that never returns
 * would otherwise block all those queued behind it. As always, a failed write may have been applied.
 */
export function timedStore(store: ObjectStore, ms: number): ObjectStore {
  const limited = async <O extends Options, T>(
    options: O | undefined,
    act: (options: O) => Promise<T>,
  ): Promise<T> => {
    const { signal, clear } = deadline(ms, options?.signal);
    const expired = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      if (signal.aborted) reject(signal.reason);
    });
    try {
      // the race is for stores that ignore the signal
      return await Promise.race([act({ ...options, signal } as O), expired]);
    } finally {
      clear();
    }
  };
  return {
    bucket: store.bucket,
    stat: (name, options) => limited(options, (timed) => store.stat(name, timed)),
    get: (name, options) => limited(options, (timed) => store.get(name, timed)),
    getRange: (name, offset, length, options) =>
      limited(options, (timed) => store.getRange(name, offset, length, timed)),
    putIfAbsent: (name, body, options) => limited(options, (timed) => store.putIfAbsent(name, body, timed)),
    replaceIf: (name, generation, body, options) =>
      limited(options, (timed) => store.replaceIf(name, generation, body, timed)),
    delete: (name, options) => limited(options, (timed) => store.delete(name, timed)),
    list: (options) => ({
      [Symbol.asyncIterator](): AsyncIterator<ObjectFacts> {
        const facts = store.list(options)[Symbol.asyncIterator]();
        return {
          next: () => limited(undefined, () => facts.next()),
          return: async () => (await facts.return?.()) ?? { done: true, value: undefined },
        };
      },
    }),
  };
}

import { AppError } from '../core/errors.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/**
 * A write-once record: the first writer decides, and all others use its value. Records make the effects of
 * at-least-once delivery happen once.
 */
export interface RecordOptions {
  signal?: AbortSignal | undefined;
}

/** The stored record, or undefined. Throws `internal` if it is not JSON: something else wrote there. */
export async function readRecord<T>(
  store: ObjectStore,
  key: string,
  options: RecordOptions = {},
): Promise<T | undefined> {
  const stored = await store.get(key, { ...options, withoutMetadata: true });
  if (!stored) return undefined;
  return parseRecord<T>(store, key, stored.body);
}

/** Parses a record's JSON. Throws `internal` if it is not JSON: something else wrote there. */
export function parseRecord<T>(store: ObjectStore, key: string, body: Uint8Array): T {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as T;
  } catch {
    // the parser's own message quotes the text
    throw new AppError('internal', `record gs://${store.bucket}/${key} is not JSON`);
  }
}

/** Writes the record if absent; returns the stored one, ours or the winner's. */
export async function writeRecord<T>(
  store: ObjectStore,
  key: string,
  value: T,
  options: RecordOptions & { metadata?: Readonly<Record<string, string>> } = {},
): Promise<{ value: T; ours: boolean }> {
  const body = Buffer.from(JSON.stringify(value, undefined, 2));
  const outcome = await store.putIfAbsent(key, body, { contentType: 'application/json', ...options });
  if (outcome.kind === 'written') return { value, ours: true };
  const winner = await readRecord<T>(store, key, options);
  if (winner === undefined) {
    throw new AppError('unavailable', `record gs://${store.bucket}/${key} existed and is gone`);
  }
  return { value: winner, ours: false };
}

const computing = new WeakMap<ObjectStore, Map<string, Promise<unknown>>>();

/**
 * A decision that is made once: returns the stored record if there is one, else computes and stores it. Concurrent
 * callers in one process share one computation of a key and its failure; two processes may both compute, and the
 * first to write decides. So `compute` must be free of side effects: use `effect` for those.
 *
 * The value is JSON and is returned as read back: a Date is returned as text even by the first call. Throws
 * `internal` before storing anything if `compute` returns something that JSON cannot represent, such as undefined.
 *
 * @example
 * const { winner } = await record(state, `raffles/${id}.json`, async () => ({ winner: pick(tickets) }));
 */
export async function record<T>(
  store: ObjectStore,
  key: string,
  compute: () => T | Promise<T>,
  options: RecordOptions = {},
): Promise<T> {
  const shared = computing.get(store) ?? new Map<string, Promise<unknown>>();
  computing.set(store, shared);
  let work = shared.get(key) as Promise<T> | undefined;
  if (work === undefined) {
    work = readOrCompute(store, key, compute, options).finally(() => shared.delete(key));
    shared.set(key, work);
  }
  return options.signal ? unlessAborted(work, options.signal) : work;
}

async function readOrCompute<T>(
  store: ObjectStore,
  key: string,
  compute: () => T | Promise<T>,
  options: RecordOptions,
): Promise<T> {
  const stored = await readRecord<T>(store, key, options);
  if (stored !== undefined) return stored;
  const text: string | undefined = JSON.stringify(await compute());
  if (text === undefined) {
    throw new AppError('internal', `record ${key} must be JSON, got undefined: return null, or use effect`);
  }
  return (await writeRecord(store, key, JSON.parse(text) as T, options)).value;
}

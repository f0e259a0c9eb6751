import { AppError } from '../core/errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/**
 * A write-once record: whoever writes it first decides, and everybody else lives with the answer. It is what
 * makes the effects of at-least-once delivery happen once.
 */
export interface OnceOptions {
  signal?: AbortSignal | undefined;
}

/** The stored record, or undefined. A record that is not JSON is `internal`: somebody else wrote there. */
export async function readRecord<T>(
  store: ObjectStore,
  key: string,
  options: OnceOptions = {},
): Promise<T | undefined> {
  const stored = await store.get(key, { ...options, withoutMetadata: true });
  if (!stored) return undefined;
  try {
    return JSON.parse(Buffer.from(stored.body).toString('utf8')) as T;
  } catch {
    // the parser's own words quote the text
    throw new AppError('internal', `record gs://${store.bucket}/${key} is not JSON`);
  }
}

/** Writes the record if absent, and returns the one that stands: ours, or that of the winner. */
export async function writeRecord<T>(
  store: ObjectStore,
  key: string,
  value: T,
  options: OnceOptions & { metadata?: Readonly<Record<string, string>> } = {},
): Promise<{ value: T; ours: boolean }> {
  const body = Buffer.from(JSON.stringify(value, undefined, 2));
  const outcome = await store.putIfAbsent(key, body, { contentType: 'application/json', ...options });
  if (outcome.kind === 'written') return { value, ours: true };
  const winner = await readRecord<T>(store, key, options);
  if (winner === undefined) {
    throw new AppError('unavailable', `record gs://${store.bucket}/${key} was there and is gone`);
  }
  return { value: winner, ours: false };
}

/** Returns the stored record where there is one; otherwise computes it and writes it, once. */
export async function once<T>(
  store: ObjectStore,
  key: string,
  compute: () => Promise<T>,
  options: OnceOptions = {},
): Promise<T> {
  const stored = await readRecord<T>(store, key, options);
  if (stored !== undefined) return stored;
  return (await writeRecord(store, key, await compute(), options)).value;
}

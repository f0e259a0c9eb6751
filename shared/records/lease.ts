import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { readRecord } from './record.ts';

interface LeaseRecord {
  owner: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export interface LeaseOptions {
  /** Time that the lease outlives its owner. While `work` runs, it is renewed every third of it. */
  ttlMs: number;
  signal?: AbortSignal | undefined;
  clock?: Clock;
}

/**
 * Runs `work` while holding the lease `key`; throws `busy` if another process holds it. A lease saves money but
 * does not ensure correctness: an owner that stalls past its expiry runs concurrently with the next one, and
 * write-once records decide.
 */
export async function withLease<T>(
  store: ObjectStore,
  key: string,
  options: LeaseOptions,
  work: () => Promise<T>,
): Promise<T> {
  const clock = options.clock ?? systemClock;
  const owner = randomUUID();
  let generation = await acquire(store, key, owner, options, clock);
  // Short and renewed: after a crash the next delivery waits seconds, not the function's timeout.
  let renewing = Promise.resolve();
  const timer = setInterval(() => {
    renewing = renewing.then(async () => {
      const outcome = await store.replaceIf(key, generation, record(owner, clock, options)).catch(() => {});
      if (outcome?.kind === 'written') generation = outcome.facts.generation;
    });
  }, options.ttlMs / 3);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await renewing;
    await store.delete(key, { generation }).catch(() => false);
  }
}

async function acquire(
  store: ObjectStore,
  key: string,
  owner: string,
  options: LeaseOptions,
  clock: Clock,
): Promise<string> {
  const { signal } = options;
  const created = await store.putIfAbsent(key, record(owner, clock, options), { signal });
  if (created.kind === 'written') return created.facts.generation;
  const facts = await store.stat(key, { signal });
  const held = facts && (await readRecord<LeaseRecord>(store, key, { signal }));
  if (!facts || !held) throw new AppError('busy', `lease ${key} was just released; try again`);
  const leftMs = held.expiresAt - clock.now();
  if (leftMs > 0) {
    throw new AppError('busy', `another delivery is working on this; its lease ${key} ends in ${leftMs} ms`);
  }
  const taken = await store.replaceIf(key, facts.generation, record(owner, clock, options), { signal });
  if (taken.kind === 'written') return taken.facts.generation;
  throw new AppError('busy', `lease ${key} expired and another delivery took it over`);
}

function record(owner: string, clock: Clock, { ttlMs }: LeaseOptions): Uint8Array {
  const value: LeaseRecord = { owner, expiresAt: clock.now() + ttlMs };
  return Buffer.from(JSON.stringify(value));
}

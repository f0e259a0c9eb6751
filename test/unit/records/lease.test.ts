import { expect, test } from 'vitest';
import type { Clock } from '../../../shared/core/clock.ts';
import { withLease } from '../../../shared/records/lease.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';

function scene() {
  let now = 1_000_000;
  const clock: Clock = { now: () => now, sleep: async () => {} };
  return {
    store: createMemoryStorage().bucket('state'),
    options: { ttlMs: 60_000, clock },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('while one holds the lease another gets busy, with the time left', async () => {
  const { store, options } = scene();
  await withLease(store, 'k', options, async () => {
    await expect(withLease(store, 'k', options, async () => {})).rejects.toMatchObject({
      code: 'busy',
      message: 'another delivery is working on this; its lease k ends in 60000 ms',
    });
  });
});

test('it is free again when the work is done, and when the work failed', async () => {
  const { store, options } = scene();
  await withLease(store, 'k', options, async () => {});
  await expect(withLease(store, 'k', options, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withLease(store, 'k', options, async () => 'mine')).toBe('mine');
});

test('the lease of an owner that died is taken over once it has expired', async () => {
  const { store, options, pass } = scene();
  await store.putIfAbsent('k', Buffer.from(JSON.stringify({ owner: 'dead', expiresAt: 1_060_000 })));
  await expect(withLease(store, 'k', options, async () => {})).rejects.toMatchObject({ code: 'busy' });
  pass(60_001);
  expect(await withLease(store, 'k', options, async () => 'mine')).toBe('mine');
});

test('an owner that lost its lease does not delete the next one', async () => {
  const { store, options, pass } = scene();
  let release = () => {};
  let taken: Promise<void> | undefined;
  await withLease(store, 'k', options, async () => {
    pass(60_001);
    await new Promise<void>((started) => {
      taken = withLease(store, 'k', options, () => {
        started();
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      });
    });
  });
  expect(await store.stat('k')).toBeDefined();
  release();
  await taken;
  expect(await store.stat('k')).toBeUndefined();
});

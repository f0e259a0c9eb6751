import { expect, test } from 'vitest';
import { once, readRecord, writeRecord } from '../../../shared/records/once.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';

const newStore = () => createMemoryStorage().bucket('state');

test('the first answer is stored and every later call returns it', async () => {
  const store = newStore();
  let computed = 0;
  const compute = async () => ({ answer: ++computed });
  expect(await once(store, 'k', compute)).toEqual({ answer: 1 });
  expect(await once(store, 'k', compute)).toEqual({ answer: 1 });
  expect(computed).toBe(1);
});

test('two compute at the same time: both return the answer that was written first', async () => {
  const store = newStore();
  let release = () => {};
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const loser = once(store, 'k', async () => {
    await slow;
    return { by: 'loser' };
  });
  const winner = await once(store, 'k', async () => ({ by: 'winner' }));
  release();
  expect(winner).toEqual({ by: 'winner' });
  expect(await loser).toEqual({ by: 'winner' });
});

test('nothing is stored when computing fails, so the next call computes again', async () => {
  const store = newStore();
  await expect(once(store, 'k', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await once(store, 'k', async () => 1)).toBe(1);
});

test('writing says whether the record is ours', async () => {
  const store = newStore();
  expect(await writeRecord(store, 'k', { n: 1 })).toEqual({ value: { n: 1 }, ours: true });
  expect(await writeRecord(store, 'k', { n: 2 })).toEqual({ value: { n: 1 }, ours: false });
});

test('a record that is not JSON is an error that names it', async () => {
  const store = newStore();
  await store.putIfAbsent('k', Buffer.from('{half'));
  await expect(readRecord(store, 'k')).rejects.toThrow('record gs://state/k is not JSON');
});

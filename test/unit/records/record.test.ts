import { expect, test } from 'vitest';
import { readRecord, record, writeRecord } from '../../../shared/records/record.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';

const newStore = () => createMemoryStorage().bucket('state');
/** The same bucket as seen by another process. */
const elsewhere = (store: ObjectStore): ObjectStore => ({ ...store });

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test('the first answer is stored and every later call returns it', async () => {
  const store = newStore();
  let computed = 0;
  const compute = async () => ({ answer: ++computed });
  expect(await record(store, 'k', compute)).toEqual({ answer: 1 });
  expect(await record(store, 'k', compute)).toEqual({ answer: 1 });
  expect(computed).toBe(1);
});

test('fifty concurrent calls in one process compute once', async () => {
  const store = newStore();
  let computed = 0;
  const { opened, open } = gate();
  const calls = Array.from({ length: 50 }, () =>
    record(store, 'k', async () => {
      await opened;
      return ++computed;
    }),
  );
  const another = record(store, 'another', () => 'own');
  open();
  expect(new Set(await Promise.all(calls))).toEqual(new Set([1]));
  expect(await another).toBe('own');
  expect(computed).toBe(1);
});

test("a caller that waits for another's computation stops waiting at its own deadline", async () => {
  const store = newStore();
  const { opened, open } = gate();
  const first = record(store, 'k', () => opened.then(() => 1));
  const controller = new AbortController();
  const second = record(store, 'k', () => 2, { signal: controller.signal });
  controller.abort(new Error('time is up'));
  await expect(second).rejects.toThrow('time is up');
  open();
  expect(await first).toBe(1);
});

test('two processes compute at the same time: both return the answer that was written first', async () => {
  const store = newStore();
  const { opened, open } = gate();
  const loser = record(store, 'k', async () => {
    await opened;
    return { by: 'loser' };
  });
  const winner = await record(elsewhere(store), 'k', async () => ({ by: 'winner' }));
  open();
  expect(winner).toEqual({ by: 'winner' });
  expect(await loser).toEqual({ by: 'winner' });
});

test('nothing is stored when computing fails, so the next call computes again', async () => {
  const store = newStore();
  await expect(record(store, 'k', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await record(store, 'k', async () => 1)).toBe(1);
});

test('a decision that returns nothing is refused before anything is stored', async () => {
  const store = newStore();
  await expect(record(store, 'k', async () => {})).rejects.toMatchObject({
    code: 'internal',
    message: 'record k must be JSON, got undefined: return null, or use effect',
  });
  expect(await store.stat('k')).toBeUndefined();
  expect(await record(store, 'k', () => null)).toBeNull();
});

test('the first call returns what later calls will read', async () => {
  const store = newStore();
  const compute = () => ({ at: new Date(0), gone: undefined }) as unknown;
  const first = await record(store, 'k', compute);
  expect(first).toStrictEqual({ at: '1970-01-01T00:00:00.000Z' });
  expect(await record(store, 'k', compute)).toStrictEqual(first);
});

test('writing returns whether the record is ours', async () => {
  const store = newStore();
  expect(await writeRecord(store, 'k', { n: 1 })).toEqual({ value: { n: 1 }, ours: true });
  expect(await writeRecord(store, 'k', { n: 2 })).toEqual({ value: { n: 1 }, ours: false });
});

test('a record that is not JSON is an error that names it', async () => {
  const store = newStore();
  await store.putIfAbsent('k', Buffer.from('{half'));
  await expect(readRecord(store, 'k')).rejects.toThrow('record gs://state/k is not JSON');
});

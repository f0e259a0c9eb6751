import { expect, test } from 'vitest';
import { coalesced } from '../../../shared/core/coalesce.ts';

/** Runs that the test ends, one after another. */
function controlled() {
  const ends: { resolve(value: number): void; reject(error: Error): void }[] = [];
  const work = () =>
    new Promise<number>((resolve, reject) => {
      ends.push({ resolve, reject });
    });
  return { ends, call: coalesced(work) };
}

test('callers during a run share the one after it, since theirs must begin after their call', async () => {
  const { ends, call } = controlled();
  const first = call();
  const later = [call(), call(), call()];
  expect(ends).toHaveLength(1);
  ends[0]?.resolve(1);
  expect(await first).toBe(1);
  await expect.poll(() => ends.length).toBe(2);
  const last = call();
  ends[1]?.resolve(2);
  expect(await Promise.all(later)).toEqual([2, 2, 2]);
  await expect.poll(() => ends.length).toBe(3);
  ends[2]?.resolve(3);
  expect(await last).toBe(3);
});

test('a run that fails fails its callers only', async () => {
  const { ends, call } = controlled();
  const first = call();
  const second = call();
  ends[0]?.reject(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.resolve(2);
  expect(await second).toBe(2);
});

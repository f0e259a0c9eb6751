import { expect, test } from 'vitest';
import { SharedQuery } from '../../../shared/core/shared-query.ts';

/** A query whose calls the test answers. */
function held() {
  const calls: { ids: readonly string[]; answer(value: string): void; fail(error: Error): void }[] = [];
  const query = new SharedQuery(
    (ids) =>
      new Promise<string>((answer, fail) => {
        calls.push({ ids, answer, fail });
      }),
  );
  return { calls, query };
}

const names = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `id-${from + index}`);

test('callers during a query share the next one, and each id is asked once', async () => {
  const { calls, query } = held();
  const first = query.about(['a']);
  const others = [query.about(['b']), query.about(['b', 'c'])];
  expect([calls.length, query.waiting]).toEqual([1, 2]);
  calls[0]!.answer('one');
  expect(await first).toBe('one');
  await expect.poll(() => calls.length).toBe(2);
  expect(calls[1]!.ids).toEqual(['b', 'c']);
  calls[1]!.answer('two');
  expect(await Promise.all(others)).toEqual(['two', 'two']);
});

test('a query has at most 100 ids, except those of one caller', async () => {
  const { calls, query } = held();
  const answers = [names(0, 150), names(150, 60), names(210, 40), names(250, 1)].map((ids) =>
    query.about(ids),
  );
  for (const [index, size] of [150, 100, 1].entries()) {
    await expect.poll(() => calls.length).toBe(index + 1);
    expect(calls[index]!.ids).toHaveLength(size);
    calls[index]!.answer('there');
  }
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 4 }, () => 'there'));
});

test('a query that fails, fails for its callers only', async () => {
  const { calls, query } = held();
  const first = query.about(['a']);
  const second = query.about(['b']);
  calls[0]!.fail(new Error('unreachable'));
  await expect(first).rejects.toThrow('unreachable');
  await expect.poll(() => calls.length).toBe(2);
  calls[1]!.answer('there');
  expect(await second).toBe('there');
});

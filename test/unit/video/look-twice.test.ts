import { expect, test } from 'vitest';
import { lookTwice } from '../../../functions/video/look-twice.ts';
import { AppError } from '../../../shared/core/errors.ts';

function scene(...outcomes: (AppError | string)[]) {
  const waits: number[] = [];
  const warned: string[] = [];
  let looks = 0;
  const run = lookTwice(
    async () => {
      const outcome = outcomes[looks++]!;
      if (outcome instanceof AppError) throw outcome;
      return outcome;
    },
    {
      signal: new AbortController().signal,
      clock: { now: () => 0, sleep: async (ms) => void waits.push(ms) },
      log: { warn: (message) => void warned.push(message) },
    },
  );
  return { run, waits, warned, looks: () => looks };
}

test('a refusal that a corrupted read could cause is checked again a second later', async () => {
  const seen = scene(new AppError('unsupported-media', 'found a text'), 'a video');
  expect(await seen.run).toBe('a video');
  expect([seen.waits, seen.warned]).toEqual([[1_000], ['refused on the first read, accepted on the second']]);
});

test('refused twice: refused with the second reason', async () => {
  const seen = scene(new AppError('unsupported-media', 'first'), new AppError('corrupt-media', 'second'));
  await expect(seen.run).rejects.toMatchObject({ code: 'corrupt-media', message: 'second' });
  expect(seen.looks()).toBe(2);
});

test.each(['superseded', 'invalid-metadata', 'blocked', 'timeout', 'unavailable'] as const)(
  '%s does not depend on the bytes read: thrown at once',
  async (code) => {
    const seen = scene(new AppError(code, 'once'));
    await expect(seen.run).rejects.toMatchObject({ code });
    expect([seen.looks(), seen.waits]).toEqual([1, []]);
  },
);

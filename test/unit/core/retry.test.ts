import { expect, test } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import { deadline, retry, retryDelay } from '../../../shared/core/retry.ts';

function scene() {
  const slept: number[] = [];
  const clock = { now: () => 0, sleep: async (ms: number) => void slept.push(ms) };
  return { slept, options: { clock, random: () => 0.5, baseMs: 100, maxMs: 1_000 } };
}

const unavailable = () => Promise.reject(new AppError('unavailable', 'down'));

test('delays double from the base to the bound, and jitter shortens them by up to its share', () => {
  expect([1, 2, 3, 4, 5].map((n) => retryDelay(n, 100, 1_000, () => 1))).toEqual([100, 200, 400, 800, 1_000]);
  expect(retryDelay(3, 100, 1_000, () => 0.25)).toBe(100);
});

test('a transient failure is retried until it succeeds', async () => {
  const { slept, options } = scene();
  const work = (attempt: number) => (attempt < 3 ? unavailable() : Promise.resolve(attempt));
  expect(await retry(work, options)).toBe(3);
  expect(slept).toEqual([50, 100]);
});

test('after the last try the failure itself is thrown', async () => {
  const { slept, options } = scene();
  await expect(retry(unavailable, { ...options, attempts: 3 })).rejects.toThrow('down');
  expect(slept).toHaveLength(2);
});

test('a failure that a retry cannot fix is thrown at once', async () => {
  const { slept, options } = scene();
  await expect(retry(() => Promise.reject(new AppError('denied', 'no')), options)).rejects.toThrow('no');
  await expect(retry(() => Promise.reject(new Error('bug')), options)).rejects.toThrow('bug');
  expect(slept).toEqual([]);
});

test('an abort between tries throws the last failure, not the abort', async () => {
  const { options } = scene();
  const controller = new AbortController();
  const work = () => {
    controller.abort();
    return unavailable();
  };
  await expect(retry(work, { ...options, signal: controller.signal })).rejects.toThrow('down');
});

test('a deadline aborts with a retryable timeout that names the time', async () => {
  const { signal, clear } = deadline(1);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  expect(signal.reason).toMatchObject({
    code: 'timeout',
    message: 'not done within 1 ms, the time limit of one attempt',
  });
  clear();
});

import { expect, test } from 'vitest';
import { Breaker } from '../../../shared/core/breaker.ts';
import { AppError } from '../../../shared/core/errors.ts';

function scene() {
  const time = { now: 1_000 };
  const breaker = new Breaker({ name: 'bank', clock: { now: () => time.now }, failures: 3, openMs: 500 });
  let calls = 0;
  const call = (outcome: () => Promise<unknown>) =>
    breaker
      .run(() => {
        calls++;
        return outcome();
      })
      .then(
        () => 'ok',
        (error: Error) => (error instanceof AppError ? error.code : error.message),
      );
  return { time, breaker, call, calls: () => calls };
}

const ok = async () => 'fine';
const fails = () => Promise.reject(new AppError('timeout', 'no answer in 5 ms'));
const breaks = () => Promise.reject(new Error('fetch failed'));
const refuses = () => Promise.reject(new AppError('invalid-event', 'no such account'));
const isBusy = () => Promise.reject(new AppError('busy', 'at work'));

type Step = [call: (() => Promise<unknown>) | number, called: boolean, state: string];

/** Each step: a call or a wait in ms, whether it reached the dependency, and the state after it. */
test.each<[string, Step[]]>([
  ['success keeps it closed', [[ok, true, 'closed 0']]],
  [
    'three failures in a row open it',
    [
      [fails, true, 'closed 1'],
      [breaks, true, 'closed 2'],
      [fails, true, 'open'],
      [ok, false, 'open'],
    ],
  ],
  [
    'success in between starts the count again',
    [
      [fails, true, 'closed 1'],
      [fails, true, 'closed 2'],
      [ok, true, 'closed 0'],
      [fails, true, 'closed 1'],
    ],
  ],
  [
    'a refusal and busy are answers',
    [
      [fails, true, 'closed 1'],
      [refuses, true, 'closed 0'],
      [fails, true, 'closed 1'],
      [isBusy, true, 'closed 0'],
    ],
  ],
  [
    'it stays open to the last millisecond, then one success closes it',
    [
      [fails, true, 'closed 1'],
      [fails, true, 'closed 2'],
      [fails, true, 'open'],
      [499, false, 'open'],
      [ok, false, 'open'],
      [1, false, 'open'],
      [ok, true, 'closed 0'],
    ],
  ],
  [
    'the trial fails: open again for the whole time',
    [
      [fails, true, 'closed 1'],
      [fails, true, 'closed 2'],
      [fails, true, 'open'],
      [500, false, 'open'],
      [fails, true, 'open'],
      [499, false, 'open'],
      [ok, false, 'open'],
      [1, false, 'open'],
      [ok, true, 'closed 0'],
    ],
  ],
])('%s', async (_name, steps) => {
  const { time, breaker, call, calls } = scene();
  for (const [step, called, state] of steps) {
    const before = calls();
    if (typeof step === 'number') time.now += step;
    else await call(step);
    expect(calls() - before).toBe(called ? 1 : 0);
    const { kind } = breaker.state;
    expect(breaker.state.kind === 'closed' ? `${kind} ${breaker.state.failures}` : kind).toBe(state);
  }
});

test('half-open: one of a hundred calls is let through, and the others get the reason', async () => {
  const { time, breaker, call, calls } = scene();
  for (let failure = 0; failure < 3; failure++) await call(fails);
  await expect(breaker.run(ok)).rejects.toMatchObject({
    code: 'unavailable',
    message:
      'bank is not called for 500 ms after 3 failures in a row, the last one timeout: no answer in 5 ms',
  });
  time.now += 500;
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => call(ok)));
  expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === 'unavailable')).toHaveLength(99);
  expect(calls()).toBe(4);
});

test('a call from before it opened does not close it', async () => {
  const { breaker, call } = scene();
  let answer = () => {};
  const early = call(() => new Promise<void>((resolve) => (answer = resolve)));
  for (let failure = 0; failure < 3; failure++) await call(fails);
  answer();
  expect(await early).toBe('ok');
  expect(breaker.state.kind).toBe('open');
});

test('a hundred concurrent failures open it once, for one period', async () => {
  const { time, breaker, call } = scene();
  await Promise.all(Array.from({ length: 100 }, () => call(fails)));
  time.now += 500;
  expect(await call(ok)).toBe('ok');
  expect(breaker.state).toEqual({ kind: 'closed', failures: 0 });
});

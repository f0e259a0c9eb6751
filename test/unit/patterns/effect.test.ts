import { afterEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../shared/core/errors.ts';
import {
  didNotHappen,
  type EffectOptions,
  type EffectWork,
  runEffect,
} from '../../../shared/patterns/effect.ts';
import { listEffects, settleEffect } from '../../../shared/patterns/effect-records.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';

const EVENT = 'e'.repeat(64);
const START = Date.parse('2026-11-21T10:00:00Z');
const log = { error() {} };
const AGAIN: EffectOptions = { onUnknown: 'again' };
const STOP: EffectOptions = { onUnknown: 'stop' };

/** Work that runs until the test finishes it. */
function held() {
  let begin = () => {};
  let finish = (_value: string) => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const result = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const work = () => {
    begin();
    return result;
  };
  return { work, begun, finish };
}

function scene() {
  const store = createMemoryStorage().bucket('state');
  const time = { now: START };
  const clock = { now: () => time.now, sleep: async () => {} };
  /** One delivery, in its own process unless `state` is given. */
  const deliver = <T>(work: EffectWork<T>, options: EffectOptions, state: ObjectStore = { ...store }) => {
    const { signal } = new AbortController();
    return runEffect(
      { state, function: 'charge', eventId: EVENT, name: 'card', clock, log, signal },
      work,
      options,
    );
  };
  /** A process that dies during the work: it renews and writes nothing more. */
  const die = async (options: EffectOptions) => {
    let isDead = false;
    const dying: ObjectStore = {
      ...store,
      putIfAbsent: (...args) => (isDead ? new Promise(() => {}) : store.putIfAbsent(...args)),
      replaceIf: (...args) => (isDead ? new Promise(() => {}) : store.replaceIf(...args)),
    };
    await new Promise<void>((resolve) => {
      void deliver(
        () => {
          isDead = true;
          resolve();
        },
        options,
        dying,
      );
    });
    time.now += 30_001;
  };
  const effects = () => listEffects(store, { function: 'charge', eventId: EVENT }, time.now);
  return { store, time, deliver, die, effects };
}

afterEach(() => {
  vi.useRealTimers();
});

describe.each([AGAIN, STOP])('onUnknown $onUnknown', (options) => {
  test('later deliveries get the value, and the work runs once', async () => {
    const { deliver } = scene();
    let runs = 0;
    const work = () => ({ receipt: ++runs, at: new Date(0) }) as unknown;
    const first = await deliver(work, options);
    expect(first).toStrictEqual({ receipt: 1, at: '1970-01-01T00:00:00.000Z' });
    expect(await deliver(work, options)).toStrictEqual(first);
    expect(runs).toBe(1);
  });

  test('work that returns nothing runs once', async () => {
    const { deliver } = scene();
    let runs = 0;
    const work = () => void runs++;
    expect(await deliver(work, options)).toBeUndefined();
    expect(await deliver(work, options)).toBeUndefined();
    expect(runs).toBe(1);
  });

  test('while another process runs it, a delivery is busy, and the work does not run', async () => {
    const { deliver } = scene();
    const { work, begun, finish } = held();
    const first = deliver(work, options);
    await begun;
    let runs = 0;
    await expect(deliver(() => void runs++, options)).rejects.toMatchObject({
      code: 'busy',
      message: 'effect card is running in another delivery; its lease ends in 30000 ms',
    });
    finish('charged');
    await first;
    await deliver(() => void runs++, options);
    expect(runs).toBe(0);
  });

  test('fifty callers of one process share one run', async () => {
    const { deliver, store } = scene();
    let runs = 0;
    const calls = Array.from({ length: 50 }, () => deliver(async () => ++runs, options, store));
    expect(new Set(await Promise.all(calls))).toEqual(new Set([1]));
  });

  test('work that throws a marked error did not happen: the next delivery runs it', async () => {
    const { deliver, effects } = scene();
    const refused = didNotHappen(new AppError('unavailable', 'connection refused'));
    await expect(deliver(() => Promise.reject(refused), options)).rejects.toBe(refused);
    expect(await effects()).toMatchObject([
      { name: 'card', state: 'did-not-happen', started: { reason: 'unavailable: connection refused' } },
    ]);
    expect(await deliver(() => 'charged', options)).toBe('charged');
  });
});

test('again: after a death the work runs once more with the same key, once the lease has ended', async () => {
  const { deliver, die, effects } = scene();
  const keys: string[] = [];
  const work: EffectWork<number> = ({ idempotencyKey }) => keys.push(idempotencyKey);
  await die(AGAIN);
  expect(await deliver(work, AGAIN)).toBe(1);
  const other = scene();
  await other.deliver(work, AGAIN);
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(await effects()).toMatchObject([{ state: 'done', started: { run: 2, isUncertain: true } }]);
});

test('again: a failure of the work is passed on, and the next delivery runs it without waiting', async () => {
  const { deliver } = scene();
  const reset = new AppError('unavailable', 'connection reset');
  await expect(deliver(() => Promise.reject(reset), AGAIN)).rejects.toBe(reset);
  expect(await deliver(() => 'charged', AGAIN)).toBe('charged');
});

test('stop: after a death the event is refused, and the work does not run', async () => {
  const { deliver, die, effects } = scene();
  let runs = 0;
  await die(STOP);
  for (let delivery = 0; delivery < 3; delivery++) {
    await expect(deliver(() => void runs++, STOP)).rejects.toMatchObject({
      code: 'effect-unknown',
      retryable: false,
      message:
        'effect card was started at 2026-11-21T10:00:00.000Z and its process died: it may have happened',
    });
  }
  expect(runs).toBe(0);
  expect(await effects()).toMatchObject([{ state: 'unknown' }]);
});

test('stop: failed work may have happened, so the event is refused at once, with the reason', async () => {
  const { deliver } = scene();
  const reset = new AppError('unavailable', 'connection reset');
  const failing = deliver(() => Promise.reject(reset), STOP);
  await expect(failing).rejects.toMatchObject({ code: 'effect-unknown', cause: reset });
  await expect(failing).rejects.toThrow('its work failed (unavailable: connection reset): it may have');
  await expect(deliver(() => 'charged', STOP)).rejects.toMatchObject({ code: 'effect-unknown' });
});

test('a later run that did not happen says nothing about an earlier one that died', async () => {
  const { deliver, die } = scene();
  await die(AGAIN);
  const refused = didNotHappen(new AppError('unavailable', 'connection refused'));
  await expect(deliver(() => Promise.reject(refused), AGAIN)).rejects.toBe(refused);
  // deployed with `stop` meanwhile
  await expect(deliver(() => 'charged', STOP)).rejects.toMatchObject({ code: 'effect-unknown' });
});

describe('a person settles an unknown effect', () => {
  const settle = async (
    { store, effects }: ReturnType<typeof scene>,
    said: { happened: boolean; value?: unknown },
  ) => {
    const [found] = await effects();
    const place = { function: 'charge', eventId: EVENT, name: 'card' };
    await settleEffect(store, place, found!, { ...said, by: 'alice', at: new Date(START) });
  };

  test('it happened: the next delivery gets the value that the person found', async () => {
    const there = scene();
    await there.die(STOP);
    await settle(there, { happened: true, value: { receipt: 7 } });
    expect(await there.deliver((): unknown => 'not run', STOP)).toEqual({ receipt: 7 });
  });

  test('it did not happen: the next delivery runs it', async () => {
    const there = scene();
    await there.die(STOP);
    await settle(there, { happened: false });
    expect(await there.deliver(() => 'charged', STOP)).toBe('charged');
    expect(await there.deliver(() => 'not run', STOP)).toBe('charged');
  });

  test('two people say at the same time that it did not happen: one of them gets an error', async () => {
    const there = scene();
    await there.die(STOP);
    const [found] = await there.effects();
    const place = { function: 'charge', eventId: EVENT, name: 'card' };
    const said = { happened: false, by: 'alice', at: new Date(START) };
    await settleEffect(there.store, place, found!, said);
    await expect(settleEffect(there.store, place, found!, said)).rejects.toMatchObject({ code: 'busy' });
  });
});

test('work that takes longer than the lease keeps it', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { deliver, time } = scene();
  const { work, begun, finish } = held();
  const first = deliver(work, STOP);
  await begun;
  for (let third = 0; third < 9; third++) {
    time.now += 10_000;
    await vi.advanceTimersByTimeAsync(10_000);
  }
  await expect(deliver(() => {}, STOP)).rejects.toMatchObject({ code: 'busy' });
  finish('charged');
  await first;
});

test('a stalled owner that was taken over gets the value of the one that finished first', async () => {
  const { deliver, time } = scene();
  const { work, begun, finish } = held();
  const stalled = deliver(work, AGAIN);
  await begun;
  time.now += 30_001;
  expect(await deliver(() => 'second', AGAIN)).toBe('second');
  finish('first');
  expect(await stalled).toBe('second');
});

test('a first delivery costs two requests, and a redelivery two', async () => {
  const { store, deliver } = scene();
  const requests: PropertyKey[] = [];
  const counted = new Proxy(store, {
    get(target, name, receiver) {
      requests.push(name);
      return Reflect.get(target, name, receiver);
    },
  });
  await deliver(() => 1, STOP, counted);
  expect(requests.splice(0)).toEqual(['putIfAbsent', 'putIfAbsent']);
  await deliver(() => 1, STOP, counted);
  expect(requests).toEqual(['putIfAbsent', 'get']);
});

test.each(['', 'a/b', '.', '..', 'ü', 'x'.repeat(65)])('%j is not a name for an effect', async (name) => {
  const { store } = scene();
  const { signal } = new AbortController();
  const run = { state: store, function: 'charge', eventId: EVENT, name, log, signal };
  await expect(async () => runEffect(run, () => 1, STOP)).rejects.toThrow(/effect name must be 1 to 64/);
});

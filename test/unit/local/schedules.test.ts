import { expect, test } from 'vitest';
import { runSchedules } from '../../../local/schedules.ts';
import type { Clock } from '../../../shared/core/clock.ts';

/** Sleeps end early or late by the given ms, up to `until`. Resolves with each tick: its topic and minute. */
async function ticks(
  schedules: { cron: string; topic: string }[],
  { from, until, off = [] }: { from: string; until: string; off?: number[] },
  fails: (topic: string) => boolean = () => false,
): Promise<string[]> {
  let now = Date.parse(from);
  const found: string[] = [];
  await new Promise<void>((done) => {
    const clock: Clock = {
      now: () => now,
      async sleep(ms, signal) {
        await turn();
        signal?.throwIfAborted();
        now += ms + (off.shift() ?? 0);
        if (now < Date.parse(until)) return;
        stop();
        done();
        signal?.throwIfAborted();
      },
    };
    const stop = runSchedules({
      schedules,
      async publish(topic) {
        found.push(`${topic} ${new Date(now).toISOString().slice(11, 16)}`);
        if (fails(topic)) throw new Error('no such topic');
      },
      clock,
    });
  });
  return found;
}
const turn = () => new Promise(setImmediate);

test('each schedule ticks at its minutes, from the next full one on', async () => {
  const found = await ticks(
    [
      { cron: '* * * * *', topic: 'each' },
      { cron: '*/2 * * * *', topic: 'second' },
      { cron: '30 11 * * *', topic: 'never' },
    ],
    { from: '2026-11-22T10:00:20Z', until: '2026-11-22T10:04:00Z' },
  );
  expect(found).toEqual(['each 10:01', 'each 10:02', 'second 10:02', 'each 10:03']);
});

test('a timer that fires a few milliseconds early or late ticks once a minute', async () => {
  const found = await ticks([{ cron: '* * * * *', topic: 'each' }], {
    from: '2026-11-22T10:00:59.999Z',
    until: '2026-11-22T10:05:00Z',
    off: [-3, 2_000, -9, 0],
  });
  expect(found).toEqual(['each 10:01', 'each 10:02', 'each 10:03', 'each 10:04']);
});

test('after a pause, only the current minute ticks', async () => {
  const found = await ticks([{ cron: '* * * * *', topic: 'each' }], {
    from: '2026-11-22T10:00:30Z',
    until: '2026-11-22T10:12:00Z',
    off: [0, 8 * 60_000],
  });
  expect(found).toEqual(['each 10:01', 'each 10:10', 'each 10:11']);
});

test('a tick that cannot be published holds up no other', async () => {
  const schedules = ['gone', 'there'].map((topic) => ({ cron: '* * * * *', topic }));
  const span = { from: '2026-11-22T10:00:30Z', until: '2026-11-22T10:03:00Z' };
  expect(await ticks(schedules, span, (topic) => topic === 'gone')).toEqual([
    ...['gone 10:01', 'there 10:01', 'gone 10:02', 'there 10:02'],
  ]);
});

test('a schedule in another syntax ticks every five minutes', async () => {
  const found = await ticks([{ cron: 'every 6 hours', topic: 'other' }], {
    from: '2026-11-22T10:00:30Z',
    until: '2026-11-22T10:12:00Z',
  });
  expect(found).toEqual(['other 10:05', 'other 10:10']);
});

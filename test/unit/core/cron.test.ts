import { expect, test } from 'vitest';
import { isDue, nextTick, parseCron } from '../../../shared/core/cron.ts';

const due = (cron: string, time: string) => isDue(parseCron(cron)!, Date.parse(time));

test.each([
  ['* * * * *', '2026-11-21T10:02:59Z', true],
  ['*/5 * * * *', '2026-11-21T10:05:00Z', true],
  ['*/5 * * * *', '2026-11-21T10:06:00Z', false],
  ['0 9-17/4 * * *', '2026-11-21T13:00:00Z', true],
  ['0 9-17/4 * * *', '2026-11-21T14:00:00Z', false],
  ['30 6 * * mon-fri', '2026-11-20T06:30:00Z', true],
  ['30 6 * * mon-fri', '2026-11-21T06:30:00Z', false],
  // Saturday the 21st: the day of the month or the weekday is enough if both are given
  ['0 0 1 * 6', '2026-11-21T00:00:00Z', true],
  ['0 0 1 * 7', '2026-11-22T00:00:00Z', true],
  ['0 0 1 * 7', '2026-11-21T00:00:00Z', false],
  ['0 0 21 JAN,nov *', '2026-11-21T00:00:00Z', true],
])('%s at %s: %s', (cron, time, expected) => {
  expect(due(cron, time)).toBe(expected);
});

test.each(['', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * * 13 *', '* * * * 8'])(
  '%j is no schedule',
  (cron) => {
    expect(parseCron(cron)).toBeUndefined();
  },
);

test.each([
  '5-1 * * * *',
  '1--2 * * * *',
  '*/ * * * *',
  '*/0 * * * *',
  '1,, * * * *',
  '* * * foo *',
  '-1 * * * *',
])('%j is no schedule either', (cron) => {
  expect(parseCron(cron)).toBeUndefined();
});

test.each([
  ['*/5 * * * *', '2026-11-21T10:02:30Z', '2026-11-21T10:05:00.000Z'],
  // a tick that is now is over
  ['*/5 * * * *', '2026-11-21T10:05:00Z', '2026-11-21T10:10:00.000Z'],
  ['30 6 * * mon-fri', '2026-11-20T06:30:00Z', '2026-11-23T06:30:00.000Z'],
  ['59 23 31 12 *', '2026-12-31T23:59:30Z', '2027-12-31T23:59:00.000Z'],
  ['0 0 29 2 *', '2097-01-01T00:00:00Z', '2104-02-29T00:00:00.000Z'],
  ['0 12 1 * 6', '2026-11-21T13:00:00Z', '2026-11-28T12:00:00.000Z'],
  ['0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
])('%s after %s comes next at %s', (cron, after, expected) => {
  const next = nextTick(parseCron(cron)!, Date.parse(after));
  expect(next === undefined ? undefined : new Date(next).toISOString()).toBe(expected);
  if (next !== undefined) expect(isDue(parseCron(cron)!, next)).toBe(true);
});

import { expect, test } from 'vitest';
import { StormGate } from '../../../functions/dead-letter/storm-gate.ts';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 10, 21, 10);

/** Sends letters through the gate; returns how many were logged in full, and the lines about the others. */
function send(gate: StormGate<string>, groups: readonly string[], now: number) {
  const lines: { group: string; count: number }[] = [];
  let inFull = 0;
  for (const group of groups) {
    if (gate.isOpen(group, now)) {
      gate.noteFull(group, group, now);
      inFull++;
    } else gate.noteCounted(group, group, now);
    lines.push(...gate.due(now).map(({ group: about, count }) => ({ group: about, count })));
  }
  return { inFull, lines };
}
const times = (count: number, group: string): string[] => Array.from({ length: count }, () => group);

test('the first letters of a group are logged in full, the others in few lines whose counts add up', () => {
  const gate = new StormGate<string>({ perGroup: 100, perHour: 1_000 });
  const { inFull, lines } = send(gate, times(10_100, 'a'), T0);
  expect(inFull).toBe(100);
  expect(lines.map(({ count }) => count)).toEqual([1, ...Array.from({ length: 9 }, () => 1_000)]);
  // the remaining count is logged with the next letter of any group after a minute
  expect(send(gate, ['b'], T0 + 60_000)).toEqual({ inFull: 1, lines: [{ group: 'a', count: 999 }] });
});

test('another group is logged during a storm, and a new group per letter does not help its sender', () => {
  const gate = new StormGate<string>({ perGroup: 2, perHour: 10 });
  expect(send(gate, times(100, 'storm'), T0).inFull).toBe(2);
  expect(send(gate, ['other'], T0).inFull).toBe(1);
  const made = Array.from({ length: 5_000 }, (_, serial) => `group-${serial}`);
  const { inFull, lines } = send(gate, made, T0);
  expect(inFull).toBe(7);
  // groups beyond a maximum share one tally
  expect(lines.length).toBeLessThan(1_010);
});

test('in the next hour they are logged in full again', () => {
  const gate = new StormGate<string>({ perGroup: 2, perHour: 3 });
  expect(send(gate, times(5, 'a'), T0).inFull).toBe(2);
  expect(send(gate, times(5, 'a'), T0 + HOUR - 1).inFull).toBe(0);
  expect(send(gate, times(5, 'a'), T0 + HOUR).inFull).toBe(2);
});

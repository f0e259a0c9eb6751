import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admit, checkPredecessors, missing } from '../../../shared/patterns/parking.ts';

const RULES = { b: ['a'], c: ['b'], d: ['a', 'c'] };
const events = ['a', 'b', 'c', 'd', 'e'].map((type, n) => ({ type, n }));

/** The order in which the events run if they come in this one, and those that still wait. */
function run(coming: readonly { type: string; n: number }[]) {
  const ran: string[] = [];
  let parked: { type: string; n: number }[] = [];
  for (const event of coming) {
    const { ready, waiting } = admit(RULES, { seen: new Set(ran), parked }, event);
    ran.push(...ready.map(({ type }) => type));
    parked = waiting;
  }
  return { ran, parked };
}

test('an event waits for its predecessors, and runs right after the last of them', () => {
  const [a, b, c, d] = events as [
    (typeof events)[0],
    (typeof events)[0],
    (typeof events)[0],
    (typeof events)[0],
  ];
  expect(run([d, c]).ran).toEqual([]);
  expect(run([d, c, b]).parked).toEqual([d, c, b]);
  expect(run([d, c, b, a])).toEqual({ ran: ['a', 'b', 'c', 'd'], parked: [] });
  expect(admit(RULES, { seen: new Set(['a']), parked: [c] }, b)).toEqual({ ready: [b, c], waiting: [] });
});

test('in whatever order they come, all run once, and none before its predecessors', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (coming) => {
      const { ran, parked } = run(coming);
      expect(parked).toEqual([]);
      expect([...ran].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
      for (const [type, before] of Object.entries(RULES)) {
        for (const one of before) expect(ran.indexOf(one)).toBeLessThan(ran.indexOf(type));
      }
    }),
  );
});

test('what an event waits for is known by name, also if its type is named like a member of every object', () => {
  expect(missing(RULES, new Set(['a']), 'd')).toEqual(['c']);
  expect(missing(RULES, new Set(), 'constructor')).toEqual([]);
});

test('rules by which events would wait for one another are refused', () => {
  checkPredecessors(RULES);
  expect(() => checkPredecessors({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] })).toThrow(
    'no type may wait for itself, got a, b, c, d, which wait for one another',
  );
});

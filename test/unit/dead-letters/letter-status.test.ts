import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replayOutcomesOf, type StatusEntry, statusOf } from '../../../shared/dead-letters/letter-status.ts';

type Short = [kind: 'death' | 'replay' | 'resolved' | 'discard', key: string, at: number, replay?: string];
const entriesOf = (...short: Short[]): StatusEntry[] =>
  short.map(([kind, key, at, replay]) => ({ kind, key, at, replay }));

const CASES: [string, StatusEntry[], string][] = [
  ['nothing is known', [], 'open'],
  ['it died', entriesOf(['death', 'd1', 1]), 'open'],
  ['it died twice', entriesOf(['death', 'd1', 1], ['death', 'd2', 2]), 'open'],
  ['replayed', entriesOf(['death', 'd1', 1], ['replay', 'r', 2]), 'replayed'],
  [
    'replayed and settled',
    entriesOf(['death', 'd1', 1], ['replay', 'r', 2], ['resolved', 'r', 3]),
    'resolved',
  ],
  [
    'settled before the replay was marked',
    entriesOf(['death', 'd1', 1], ['resolved', 'r', 2], ['replay', 'r', 3]),
    'resolved',
  ],
  [
    'settled by a replay whose command died before the mark',
    entriesOf(['death', 'd1', 1], ['resolved', 'r', 2]),
    'resolved',
  ],
  [
    'failed again',
    entriesOf(['death', 'd1', 1], ['replay', 'r', 2], ['death', 'd2', 3, 'r']),
    'failed-again',
  ],
  ['failed again, unmarked', entriesOf(['death', 'd1', 1], ['death', 'd2', 3, 'r']), 'failed-again'],
  [
    'delivered twice: failed once, settled once',
    entriesOf(['death', 'd1', 1], ['replay', 'r', 2], ['resolved', 'r', 3], ['death', 'd2', 4, 'r']),
    'resolved',
  ],
  [
    'failed again and replayed again',
    entriesOf(['death', 'd1', 1], ['replay', 'r1', 2], ['death', 'd2', 3, 'r1'], ['replay', 'r2', 4]),
    'replayed',
  ],
  [
    'the second replay settles what the first did not',
    entriesOf(['death', 'd1', 1], ['replay', 'r1', 2], ['death', 'd2', 3, 'r1'], ['resolved', 'r2', 5]),
    'resolved',
  ],
  ['discarded', entriesOf(['death', 'd1', 1], ['discard', 'x', 2]), 'discarded'],
  [
    'discarded, then it died once more',
    entriesOf(['death', 'd1', 1], ['discard', 'x', 2], ['death', 'd2', 3]),
    'open',
  ],
  [
    'discarded, then replayed',
    entriesOf(['death', 'd1', 1], ['discard', 'x', 2], ['replay', 'r', 3]),
    'replayed',
  ],
  ['found settled by the inspector', entriesOf(['death', 'd1', 1], ['resolved', 'd1', 2]), 'resolved'],
  ['found settled in the same millisecond', entriesOf(['death', 'd1', 1], ['resolved', 'd1', 1]), 'resolved'],
  [
    'settled, then published again and dead again',
    entriesOf(['death', 'd1', 1], ['resolved', 'd1', 2], ['death', 'd2', 3]),
    'open',
  ],
  [
    'a new death while the mark of an older, settled replay is late',
    entriesOf(['death', 'd1', 1], ['resolved', 'r', 2], ['death', 'd2', 3], ['replay', 'r', 4]),
    'open',
  ],
  [
    'a new death during a replay that then settles the event',
    entriesOf(['death', 'd1', 1], ['replay', 'r', 2], ['death', 'd2', 3], ['resolved', 'r', 4]),
    'resolved',
  ],
  [
    'died and discarded at once: somebody has to look',
    entriesOf(['death', 'd1', 1], ['discard', 'x', 1]),
    'open',
  ],
  [
    'failed again, but its event was found settled',
    entriesOf(['death', 'd1', 1], ['replay', 'r', 2], ['death', 'd2', 3, 'r'], ['resolved', 'd2', 3]),
    'resolved',
  ],
];

test.each(CASES)('%s', (_name, entries, status) => {
  expect(statusOf(entries)).toBe(status);
});

test('the order in which the entries are listed does not matter', () => {
  for (const [, entries, status] of CASES) {
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (shuffled) => {
        expect(statusOf(shuffled)).toBe(status);
      }),
      { numRuns: 20 },
    );
  }
});

const anyEntry: fc.Arbitrary<StatusEntry> = fc.record({
  kind: fc.constantFrom('death', 'replay', 'resolved', 'discard'),
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  at: fc.integer({ min: 1, max: 6 }),
  replay: fc.constantFrom(undefined, undefined, 'b', 'd'),
});
/** Each object has a unique name, so no two entries of a kind share a key. */
const anyLetter = fc.uniqueArray(anyEntry, { selector: ({ kind, key }) => `${kind}-${key}`, maxLength: 10 });

test('any entries in any order give one status, and one outcome per replay', () => {
  fc.assert(
    fc.property(
      anyLetter.chain((entries) =>
        fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length })),
      ),
      ([entries, shuffled]) => {
        expect(statusOf(shuffled)).toBe(statusOf(entries));
        expect(replayOutcomesOf(shuffled)).toEqual(replayOutcomesOf(entries));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a death later than everything else is open, whatever came before', () => {
  fc.assert(
    fc.property(anyLetter, (entries) => {
      const death: StatusEntry = { kind: 'death', key: 'new', at: 7, replay: undefined };
      expect(statusOf([...entries, death])).toBe('open');
    }),
  );
});

test('a replay that is settled later than everything else resolves, whatever came before', () => {
  fc.assert(
    fc.property(anyLetter, (entries) => {
      const resolved: StatusEntry = { kind: 'resolved', key: 'new', at: 7, replay: undefined };
      expect(statusOf([...entries, resolved])).toBe('resolved');
    }),
  );
});

test('replays are listed oldest first, with the outcome of each', () => {
  const entries = entriesOf(
    ['death', 'd1', 1],
    ['replay', 'r1', 2],
    ['death', 'd2', 3, 'r1'],
    ['replay', 'r2', 4],
    ['replay', 'r3', 5],
    ['resolved', 'r3', 6],
  );
  expect(replayOutcomesOf(entries)).toEqual([
    { key: 'r1', status: 'failed-again', at: 3 },
    { key: 'r2', status: 'replayed', at: 4 },
    { key: 'r3', status: 'resolved', at: 6 },
  ]);
});

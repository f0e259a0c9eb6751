import { afterEach, expect, test, vi } from 'vitest';
import { simulate } from '../../helpers/appender-simulation.ts';
import { FULL } from '../../helpers/full-form.ts';
import { randomFrom } from '../../helpers/random.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

async function run(options: Parameters<typeof simulate>[0]) {
  vi.spyOn(Math, 'random').mockImplementation(randomFrom(options.seed));
  return simulate(options);
}

/** A death at every second request takes a minute or two. */
const LIMIT_MS = 600_000;

const seeds = (count: number): number[] =>
  Array.from({ length: FULL ? count * 20 : count }, (_, index) => index + 1);

test('appenders in any interleaving, some requests failing: every row once, all answered', async () => {
  let taken = 0;
  for (const seed of seeds(2)) {
    const result = await run({ seed, faults: 0.03 });
    expect({ seed, violations: result.violations }).toEqual({ seed, violations: [] });
    taken += result.taken;
  }
  expect(taken).toBeGreaterThan(0);
});

test('rows that are erased and files that are rewritten meanwhile: nothing comes back', async () => {
  let taken = 0;
  for (const seed of seeds(2)) {
    const result = await run({ seed, faults: 0.01, withMaintenance: true });
    expect({ seed, violations: result.violations }).toEqual({ seed, violations: [] });
    taken += result.taken;
  }
  expect(taken).toBeGreaterThan(0);
});

test(
  'an appender that dies at any of its requests: the others finish, with every row once',
  async () => {
    for (const seed of FULL ? [1, 2] : [1]) {
      const { requests, violations: calm } = await run({ seed });
      expect({ seed, violations: calm }).toEqual({ seed, violations: [] });
      for (const [owner, count] of Object.entries(requests)) {
        for (let request = FULL ? seed : 8; request < count; request += FULL ? 2 : 80) {
          for (const arrives of [true, false]) {
            const crash = { owner, request, arrives };
            const { violations } = await run({ seed, crash });
            expect({ seed, crash, violations }).toEqual({ seed, crash, violations: [] });
          }
        }
      }
    }
  },
  LIMIT_MS,
);

import { expect, test } from 'vitest';
import { KINDS } from '../hostile/mutations/kinds/index.ts';
import { again, runMutations } from '../hostile/mutations/run.ts';

const COUNT = 300;

/** A sample of each kind; the hostile suite runs hundreds of times as many. */
test.each(Object.keys(KINDS))('mutants of %s are read or refused', async (kind) => {
  const run = { kind, count: COUNT, seed: 1 };
  const { read, refused, defects } = await runMutations(run);
  expect(defects.map(({ index, what }) => `${again(run, index)}\n${what}`)).toEqual([]);
  expect(read + refused).toBe(COUNT);
  expect(read).toBeGreaterThan(0);
});

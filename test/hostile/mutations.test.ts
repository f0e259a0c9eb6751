import { expect, test } from 'vitest';
import { KINDS } from './mutations/kinds/index.ts';
import { again, runMutations } from './mutations/run.ts';

/** The mutants of a seed are always the same: fewer of them are the first ones. */
const COUNT = Number(process.env['MUTATIONS'] ?? 100_000);
const SEED = 20_261_121;
const TIME_LIMIT = 600_000;

test.concurrent.each(Object.keys(KINDS))(
  `${COUNT} mutants of %s: no crash, no hang, no memory beyond the bound`,
  async (kind) => {
    const run = { kind, count: COUNT, seed: SEED };
    const { read, refused, slowestMs, peakMiB, defects } = await runMutations(run);
    process.stdout.write(
      `${kind}: ${read} read, ${refused} refused, slowest ${Math.round(slowestMs)} ms, ${Math.round(peakMiB)} MiB\n`,
    );
    const told = defects.map(({ index, what }) => `${again(run, index)}\n${what}`);
    expect(told).toEqual([]);
    expect(read + refused).toBe(COUNT);
  },
  TIME_LIMIT,
);

import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/helpers/longest-first.ts';

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/bundle-place.ts',
    include: ['test/{unit,contract,integration}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Polls end as soon as they succeed; the limit allows for a busy machine.
    expect: { poll: { timeout: 15_000, interval: 50 } },
    // In CI a failure may be the machine's: retry it once, and the report says so.
    retry: process.env['CI'] ? 1 : 0,
    unstubEnvs: true,
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // A worker keeps its modules: loading them again for each file takes longer than most of the files.
    poolOptions: { forks: { minForks: 1, maxForks: 2, isolate: false } },
  },
});

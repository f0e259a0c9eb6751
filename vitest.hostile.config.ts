import { defineConfig } from 'vitest/config';

/** Attacks on the built functions, in processes with the memory of a deployed instance. */
export default defineConfig({
  test: {
    globalSetup: 'test/helpers/bundle-place.ts',
    include: ['test/hostile/**/*.test.ts'],
    testTimeout: 180_000,
    // In CI a failure may be the machine's: retry it once, and the report says so.
    retry: process.env['CI'] ? 1 : 0,
    hookTimeout: 60_000,
    // Polls end as soon as they succeed; the limit allows for a busy machine.
    expect: { poll: { timeout: 60_000, interval: 50 } },
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 1 } },
    fileParallelism: false,
    // Shows the lines that say what was measured, or why nothing was.
    silent: false,
  },
});

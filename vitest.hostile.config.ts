import { defineConfig } from 'vitest/config';

/** Attacks on the built functions, in processes with the memory of a deployed instance. */
export default defineConfig({
  test: {
    globalSetup: 'test/helpers/bundle-place.ts',
    include: ['test/hostile/**/*.test.ts'],
    testTimeout: 180_000,
    // Of a checked commit one failure may be the machine's: it is tried once more, and the report says so.
    retry: process.env['CI'] ? 1 : 0,
    hookTimeout: 60_000,
    // Polls end when it is so; the bound is for a machine that is busy with something else.
    expect: { poll: { timeout: 60_000, interval: 50 } },
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 1 } },
    fileParallelism: false,
    // The lines that say what was measured, or why nothing was.
    silent: false,
  },
});

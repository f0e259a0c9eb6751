import { defineConfig } from 'vitest/config';

/** Independent peers judge our work: slower, and each is skipped with a line where it cannot be installed. */
export default defineConfig({
  test: {
    globalSetup: 'test/helpers/bundle-place.ts',
    include: ['test/conformance/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Polls end when it is so; the bound is for a machine that is busy with something else.
    expect: { poll: { timeout: 15_000, interval: 50 } },
    // Of a checked commit one failure may be the machine's: it is tried once more, and the report says so.
    retry: process.env['CI'] ? 1 : 0,
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 1 } },
    fileParallelism: false,
    // The lines that say which peers ran.
    silent: false,
  },
});

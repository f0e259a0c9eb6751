import { defineConfig } from 'vitest/config';

/** Independent peers check our work. Slower; a peer that cannot be installed is skipped with a line. */
export default defineConfig({
  test: {
    globalSetup: 'test/helpers/bundle-place.ts',
    include: ['test/conformance/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Polls end as soon as they succeed; the limit allows for a busy machine.
    expect: { poll: { timeout: 15_000, interval: 50 } },
    // In CI a failure may be the machine's: retry it once, and the report says so.
    retry: process.env['CI'] ? 1 : 0,
    pool: 'forks',
    // Two at a time: each has servers and folders of its own.
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    // Shows the lines that say which peers ran.
    silent: false,
  },
});

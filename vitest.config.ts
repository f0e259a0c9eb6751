import { defineConfig } from 'vitest/config';
import { compiledSources } from './test/helpers/compiled-sources.ts';
import { LongestFirst } from './test/helpers/longest-first.ts';

/** Three on two cores, because many tests wait for other processes; or `--poolOptions.forks.maxForks`. */
const forks = Number(/maxForks=(\d+)/.exec(process.argv.join(' '))?.[1] ?? 3);

export default defineConfig({
  plugins: [compiledSources()],
  test: {
    globalSetup: 'test/helpers/bundle-place.ts',
    // One project: a second one would transform every module again, and start workers of its own.
    include: ['test/{unit,contract,integration}/**/*.test.ts', '{examples,apps}/*/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/test/long/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Polls end as soon as they succeed; the limit allows for a busy machine.
    expect: { poll: { timeout: 15_000, interval: 50 } },
    // In CI a failure may be the machine's: retry it once, and the report says so.
    retry: process.env['CI'] ? 1 : 0,
    unstubEnvs: true,
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // A worker keeps its modules: loading them again for each file takes longer than most of the files. The pool would
    // end such a worker twice if it had nothing left to do, so all of them stay until the end. PostgreSQL in WebAssembly
    // runs too briefly here for V8's optimizing compiler to pay. With a larger young generation, what hundreds of files leave
    // behind is collected less often.
    poolOptions: {
      forks: {
        minForks: forks,
        maxForks: forks,
        isolate: false,
        execArgv: ['--liftoff-only', '--max-semi-space-size=64'],
      },
    },
  },
});

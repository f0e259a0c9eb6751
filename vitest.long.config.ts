import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { compiledSources } from './test/helpers/compiled-sources.ts';
import { LongestFirst } from './test/helpers/longest-first.ts';

/** Test files of which `npm test` runs a sample: all that import the switch. */
function sampled(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file));
  return files.filter(
    (file) => file.endsWith('.test.ts') && /\/(full-form|binaries)\.ts'/.test(readFileSync(file, 'utf8')),
  );
}

/** Processes killed at every boundary and at random, tests that take long, and in full what `npm test` samples. */
export default defineConfig({
  plugins: [compiledSources()],
  test: {
    globalSetup: 'test/helpers/bundle-place.ts',
    include: [
      'test/{chaos,long}/**/*.test.ts',
      'examples/*/test/long/**/*.test.ts',
      ...['test/unit', 'test/contract', 'test/integration', 'examples'].flatMap(sampled),
    ],
    env: { TEST_FORM: 'full' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Polls end as soon as they succeed; the limit allows for a busy machine.
    expect: { poll: { timeout: 15_000, interval: 50 } },
    // In CI a failure may be the machine's: retry it once, and the report says so.
    retry: process.env['CI'] ? 1 : 0,
    unstubEnvs: true,
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    poolOptions: { forks: { maxForks: 2 } },
  },
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { COMMON, COMMONJS, requiredBuiltins } from '../../bundler/options.js';

const cache = fileURLToPath(new URL('../../node_modules/.cache/event-pipeline/', import.meta.url));

/** Bundles a test's own function so that `startFunction` can run it. */
export async function functionBundle(
  entry: string,
  plugins: Plugin[] = [],
): Promise<{ dir: string; remove(): Promise<void> }> {
  await mkdir(cache, { recursive: true });
  const dir = await mkdtemp(cache);
  await build({
    entryPoints: { index: entry },
    outdir: dir,
    ...COMMON,
    // it is loaded again after each kill
    minify: true,
    logLevel: 'warning',
    external: ['@google-cloud/functions-framework'],
    banner: { js: `${COMMONJS};` },
    plugins: [...plugins, requiredBuiltins],
  });
  await writeFile(`${dir}/package.json`, JSON.stringify({ type: 'module', main: 'index.js' }));
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

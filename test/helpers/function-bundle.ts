import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const cache = fileURLToPath(new URL('../../node_modules/.cache/event-pipeline/', import.meta.url));
const REQUIRE = "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);";

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
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.9',
    // it is loaded again after each kill
    minify: true,
    logLevel: 'warning',
    external: ['@google-cloud/functions-framework'],
    banner: { js: REQUIRE },
    plugins,
  });
  await writeFile(`${dir}/package.json`, JSON.stringify({ type: 'module', main: 'index.js' }));
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

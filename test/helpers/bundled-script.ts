import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { madeOnce } from './made-once.ts';

/** Sources find their neighbours by their own URL, as they do without a bundle. */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup(esbuild) {
    esbuild.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: 'ts',
    }));
  },
};

/**
 * Path of a script that node runs without tsx, which would take a second of each process that a test starts. Packages
 * are not bundled.
 */
export async function bundledScript(entry: URL): Promise<string> {
  const name = basename(entry.pathname, '.ts');
  const dir = await madeOnce(`script-${name}`, async (draft) => {
    await build({
      entryPoints: { [name]: fileURLToPath(entry) },
      outdir: draft,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      packages: 'external',
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.9',
      logLevel: 'warning',
      plugins: [ownUrls],
    });
  });
  return join(dir, `${name}.mjs`);
}

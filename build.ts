import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Metafile, type Plugin } from 'esbuild';
import { joinChunks } from './bundler/join-chunks.ts';
import { noticesOf } from './bundler/notices.ts';
import { COMMON, COMMONJS, requiredBuiltins } from './bundler/options.js';
import { readSchemas, schemaFolders, validatorsSource } from './schemas/compile.ts';
import type { App } from './shared/app/define-app.ts';
import { CORE_DIR, type LoadedApp, loadApp } from './shared/app/load-app.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Compiles the events' schemas into the bundle, so that nothing is compiled at run time and ajv is not bundled. */
export const compiledSchemas = (app: Pick<App, 'schemas'>): Plugin => ({
  name: 'compiled-schemas',
  setup(esbuild) {
    esbuild.onLoad({ filter: /functions[/\\]ingest[/\\]validators\.ts$/ }, () => ({
      contents: validatorsSource(readSchemas(schemaFolders(app))),
      resolveDir: here,
      loader: 'js',
    }));
  },
});

/**
 * Bundles the functions of one app into `outdir`: one entry, and a chunk for everything imported on demand, so that a
 * function loads only what it needs. Returns esbuild's metafile. Bundled and minified, the Google clients load in less
 * than half the time.
 */
export async function bundle(
  outdir = `${here}dist`,
  plugins: Plugin[] = [],
  loaded?: LoadedApp,
): Promise<Metafile> {
  const { app, dir } = loaded ?? (await loadApp(`${here}${CORE_DIR}`));
  await rm(outdir, { recursive: true, force: true });
  const options = {
    absWorkingDir: here,
    outdir,
    ...COMMON,
    minify: true,
    sourcesContent: false,
    logLevel: 'warning' as const,
  };
  const chunks = await build({
    ...options,
    stdin: {
      contents: `import app from './${dir}/app.ts'; import { register } from './functions/register.ts'; register(app);`,
      resolveDir: here,
      sourcefile: 'index.js',
    },
    entryNames: 'index',
    keepNames: true,
    write: false,
    metafile: true,
    sourcemap: 'inline',
    // the framework loads us; the other two come with binaries
    external: ['@google-cloud/functions-framework', 'sharp', '@ffmpeg-installer/ffmpeg'],
    plugins: [compiledSchemas(app), ...plugins, requiredBuiltins],
  });
  return joinChunks(chunks, 'index.js', {
    ...options,
    sourcemap: 'linked',
    banner: { js: `${COMMONJS};` },
  });
}

/**
 * Builds a bundle for its caller alone, so that concurrent runs do not overwrite each other's. It lies inside the
 * project, so that Node finds the packages that are not bundled. `sources`: paths below the project.
 */
export async function privateBundle(
  plugins: Plugin[] = [],
  loaded?: LoadedApp,
): Promise<{ dir: string; sources: string[]; remove(): Promise<void> }> {
  const cache = `${here}node_modules/.cache/event-pipeline/`;
  await mkdir(cache, { recursive: true });
  await sweep(cache);
  const dir = await mkdtemp(cache);
  // also clean up if the run is interrupted while it starts
  const removeNow = (): void => rmSync(dir, { recursive: true, force: true });
  process.once('exit', removeNow);
  const remove = async (): Promise<void> => {
    process.off('exit', removeNow);
    await rm(dir, { recursive: true, force: true });
  };
  let sources: string[];
  try {
    sources = Object.keys((await bundle(dir, plugins, loaded)).inputs);
    await writeFile(`${dir}/package.json`, JSON.stringify({ type: 'module', main: 'index.js' }));
  } catch (error) {
    await remove();
    throw error;
  }
  return { dir, sources, remove };
}

/** Removes bundles older than a day, which killed runs left behind. */
async function sweep(cache: string): Promise<void> {
  const dayAgo = Date.now() - 24 * 60 * 60 * 1_000;
  for (const name of await readdir(cache)) {
    const left = await stat(cache + name).catch(() => undefined);
    if (left && left.mtimeMs < dayAgo) await rm(cache + name, { recursive: true, force: true });
  }
}

/** `npm run build -- --app DIR`. In Cloud Build, the deployment selects the app by PIPELINE_APP. */
async function buildHere(): Promise<void> {
  const { values } = parseArgs({ options: { app: { type: 'string' } } });
  const dir = values.app ?? process.env['PIPELINE_APP'];
  const metafile = await bundle(undefined, [], dir === undefined ? undefined : await loadApp(dir));
  await writeFile(`${here}dist/THIRD-PARTY-NOTICES.txt`, noticesOf(metafile, here));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildHere();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

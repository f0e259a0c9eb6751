import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { COMMON, COMMONJS, requiredBuiltins } from '../../bundler/options.js';

/*
 * Cache of the bundled programs, `npx pipeline` and `npm start`: tsx needs seconds to load hundreds of TypeScript
 * files, the bundle a tenth of that. Both share nearly all sources, so they are one bundle. `current.json` lists the
 * bundle's sources with one hash over their paths and contents. Every call hashes them again and runs the bundle only
 * if no byte has changed; modification times and sizes are not trusted.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/event-pipeline-cli');
const CURRENT = join(CACHE, 'current.json');
const ENTRIES = ['cli/main.ts', 'local/main.ts'];
const DAY_MS = 24 * 60 * 60 * 1_000;

/** Folder of Node's own cache of compiled code. */
export const NODE_CACHE = join(CACHE, 'node');

/** Other files that a bundle depends on: how it is built, and which packages are installed. */
const SURROUNDINGS = [
  'cli/launch/bundle.js',
  'bundler/options.js',
  'tsconfig.json',
  'package.json',
  // npm rewrites it whenever node_modules changes
  'node_modules/.package-lock.json',
];

/** Packages bundled with their dependencies. All others are resolved at run time. */
const BUNDLED = /^(hyparquet|hyparquet-writer|fzstd|google-auth-library|@google-cloud\/storage)(\/|$)/;

/** Sources know their own URL, and an app's own TypeScript needs tsx. */
const PREAMBLE = [
  COMMONJS,
  // for packages; each of our own sources defines its own
  'globalThis.__sourceUrl??=import.meta.url',
  "const __importSource=async(url)=>{const{register}=await import('tsx/esm/api');globalThis.__tsx??=register();return import(url)};",
].join(';');

/**
 * Hash over the paths and contents of files.
 * @param {[path: string, content: Uint8Array][]} files
 */
function hashOf(files) {
  const hash = createHash('sha256').update(ROOT);
  for (const [path, content] of files) hash.update(`\0${path}\0${content.length}\0`).update(content);
  return hash.digest('hex');
}

/**
 * Folder of the bundle of the current sources; undefined if there is none.
 * @returns {string | undefined}
 */
export function findBundle() {
  try {
    const { files, hash } = JSON.parse(readFileSync(CURRENT, 'utf8'));
    const contents = files.map((path) => [path, readFileSync(join(ROOT, path))]);
    const folder = join(CACHE, hash);
    return hashOf(contents) === hash && existsSync(join(folder, 'cli/main.js')) ? folder : undefined;
  } catch {
    // missing, incomplete or broken: it is built again
    return undefined;
  }
}

/**
 * Bundles the programs and returns the bundle's folder; undefined if they cannot be bundled or stored here. Concurrent
 * calls may all build: each bundle appears atomically under the hash of its sources, and the first one stays.
 * @returns {Promise<string | undefined>}
 */
export async function makeBundle() {
  let draft;
  try {
    await mkdir(CACHE, { recursive: true });
    draft = await mkdtemp(join(CACHE, 'draft-'));
    const files = await build(draft);
    const hash = hashOf(files);
    await sweep();
    const folder = join(CACHE, hash);
    await rename(draft, folder).catch(async (error) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      await rm(draft, { recursive: true, force: true });
    });
    const current = join(CACHE, `current-${process.pid}-${Date.now()}.json`);
    await writeFile(current, JSON.stringify({ hash, files: files.map(([path]) => path) }));
    await rename(current, CURRENT);
    return folder;
  } catch {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true }).catch(() => undefined);
    return undefined;
  }
}

/**
 * Builds into a folder.
 * @param {string} outdir
 * @returns {Promise<[path: string, content: Uint8Array][]>} the sources, sorted by path
 */
async function build(outdir) {
  const esbuild = await import('esbuild');
  // read before the sources, so that a package installed meanwhile changes the hash
  const files = await Promise.all(SURROUNDINGS.map(async (path) => [path, await readFile(join(ROOT, path))]));
  await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES,
    outbase: ROOT,
    outdir,
    ...COMMON,
    minifyWhitespace: true,
    logLevel: 'silent',
    define: { 'import.meta.url': '__sourceUrl' },
    banner: { js: PREAMBLE },
    plugins: [sources(files), requiredBuiltins],
  });
  await writeFile(join(outdir, 'package.json'), '{"type":"module"}');
  return files.sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Records every source with exactly the bytes that are compiled, and preserves its `import.meta.url`.
 * @param {[path: string, content: Uint8Array][]} files
 * @returns {import('esbuild').Plugin}
 */
function sources(files) {
  return {
    name: 'sources',
    setup(builder) {
      builder.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
        const isOurs = kind !== 'entry-point' && !importer.includes('node_modules');
        return isOurs && !path.startsWith('node:') && !BUNDLED.test(path)
          ? { path, external: true }
          : undefined;
      });
      builder.onLoad({ filter: /\.(ts|m?js|json)$/ }, async ({ path }) => {
        if (path.includes('node_modules')) return undefined;
        const content = await readFile(path);
        files.push([relative(ROOT, path), content]);
        if (path.endsWith('.json')) return { contents: content, loader: 'json' };
        const text = content.toString().replaceAll(/(?<![\w.])import\((?!\s*['"`])/g, '__importSource(');
        const url = `const __sourceUrl=${JSON.stringify(pathToFileURL(path).href)};`;
        const contents = text.includes('import.meta.url') ? `${url}${text}` : text;
        return { contents, resolveDir: dirname(path), loader: path.endsWith('.ts') ? 'ts' : 'js' };
      });
    },
  };
}

/** Removes leftovers older than a day; keeps the bundle being replaced now, which may still be running. */
async function sweep() {
  const replaced = await readFile(CURRENT, 'utf8').then(
    (text) => JSON.parse(text).hash,
    () => undefined,
  );
  for (const name of await readdir(CACHE)) {
    const path = join(CACHE, name);
    if (name === replaced) await utimes(path, new Date(), new Date()).catch(() => undefined);
    const left = await stat(path).catch(() => undefined);
    const isOld = left !== undefined && left.mtimeMs < Date.now() - DAY_MS;
    if (isOld && path !== NODE_CACHE) await rm(path, { recursive: true, force: true });
  }
}

import { readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Plugin } from 'vite';
import { compile, compiledPath, ROOT } from './compile-sources.ts';
import { CACHE } from './made-once.ts';

const FOLDERS = 'apps bundler cli console deploy docs examples functions local schemas shared test'.split(
  ' ',
);

/**
 * Compiles everything but the test files once, when a run starts, and has Node itself load that. Vite would transform
 * each module, and each worker would fetch and wrap it: a fifth of the CPU time of all tests.
 *
 * Test files that call `vi.resetModules` get their modules from Vite, which alone can load them twice, and so does watch
 * mode, which follows what it loads.
 */
export function compiledSources(): Plugin {
  let folder: string | undefined;
  const resetting = new Map<string, boolean>();
  const resets = (testFile: string): boolean => {
    const known = resetting.get(testFile) ?? readFileSync(testFile, 'utf8').includes('vi.resetModules(');
    resetting.set(testFile, known);
    return known;
  };
  return {
    name: 'compiled-sources',
    enforce: 'pre',
    async configResolved() {
      if (process.argv.includes('run')) folder ??= await compileAll();
    },
    resolveId(source, importer) {
      if (folder === undefined || !importer?.endsWith('.test.ts') || resets(importer)) return;
      if (!/^\.{1,2}\/.*\.ts$/.test(source)) return;
      return { id: compiledPath(folder, resolve(dirname(importer), source)), external: true };
    },
  };
}

async function compileAll(): Promise<string> {
  const isSource = (path: string): boolean =>
    path.endsWith('.ts') && !/\.(?:test|d)\.ts$/.test(path) && !path.includes('node_modules');
  const sources = ['build.ts'];
  for (const folder of FOLDERS) {
    const names = await readdir(join(ROOT, folder), { recursive: true });
    sources.push(...names.map((name) => join(folder, name)).filter(isSource));
  }
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(`${CACHE}compiled-`);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await compile(sources, folder);
  return folder;
}

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IMPORT_SOURCE = 'test/helpers/import-source.ts';

export const compiledPath = (folder: string, source: string): string =>
  join(folder, relative(ROOT, source).replace(/\.ts$/, '.mjs'));

/**
 * Compiles TypeScript files of the project, each to a file of its own below `outdir`. The sources that they import are
 * loaded from `folder`.
 * @param sources paths below the project
 */
export async function compile(sources: string[], folder: string, outdir = folder): Promise<void> {
  const later = new Set(
    folder === outdir ? sources.map((source) => compiledPath(folder, join(ROOT, source))) : [],
  );
  await build({
    absWorkingDir: ROOT,
    entryPoints: sources,
    outbase: ROOT,
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.9',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'silent',
    // sources know their own URL
    define: { 'import.meta.url': '__sourceUrl' },
    plugins: [fileByFile(folder, (path) => later.has(path) || existsSync(path))],
  });
}

function fileByFile(folder: string, isThere: (compiled: string) => boolean): Plugin {
  return {
    name: 'file-by-file',
    setup(builder) {
      builder.onResolve({ filter: /^/ }, ({ path, kind, resolveDir }) => {
        if (kind === 'entry-point') return undefined;
        if (!/^[./]/.test(path)) return { path, external: true };
        const full = resolve(resolveDir, path);
        if (!path.endsWith('.ts')) return { path: full, external: true };
        const compiled = compiledPath(folder, full);
        if (isThere(compiled)) return { path: compiled, external: true };
        // made by a test: it becomes part of what imports it, or Node says that it is missing
        return existsSync(full) ? undefined : { path: full, external: true };
      });
      builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        const importing = text.replaceAll(/(?<![\w.])import\((?!\s*['"`]|\/\*)/g, '__importSource(');
        // on the first line, so that all lines keep their numbers
        const added = [
          ...(text.includes('import.meta.url')
            ? [`const __sourceUrl=${JSON.stringify(pathToFileURL(path).href)};`]
            : []),
          ...(importing === text
            ? []
            : [
                `import{importSource}from${JSON.stringify(join(ROOT, IMPORT_SOURCE))};`,
                `const __importSource=importSource(${JSON.stringify(folder)});`,
              ]),
        ];
        return { contents: added.join('') + importing, loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
}

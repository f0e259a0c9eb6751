import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, compiledPath, ROOT } from './compile-sources.ts';

/**
 * Returns the `import(url)` of compiled sources: a source of the project is loaded from `folder`, once for all who
 * import it. A file that a test has made is compiled when it is imported.
 */
export function importSource(folder: string): (url: string) => Promise<unknown> {
  return async (url) => {
    const path = url.startsWith('file:') ? fileURLToPath(url) : url;
    if (!path.endsWith('.ts')) return import(/* by Node */ url);
    const compiled = compiledPath(folder, path);
    if (existsSync(compiled)) return import(/* by Node */ compiled);
    const made = await mkdtemp(join(folder, 'made-'));
    await compile([relative(ROOT, path)], folder, made);
    return import(/* by Node */ compiledPath(made, path));
  };
}

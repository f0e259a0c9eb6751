import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadedApp } from '../shared/app/load-app.ts';

/** What a build needs whatever the app: its own files, and what all functions share. */
const ALWAYS = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  'tsconfig.json',
  'build.ts',
  'shared',
  'schemas',
];

/** Left out wherever they are, as in .gcloudignore. */
const NEVER = ['node_modules', '.DS_Store'];

/**
 * Files and folders of the project that an app is built from: its own folder, its schemas, and the functions whose
 * code it imports, by folder. Sorted, with slashes.
 */
export function sourcesOf({ app, dir }: LoadedApp, root: string): string[] {
  const imported = reached([...filesBelow(dir, root), 'build.ts', 'functions/register.ts'], root)
    // a function's folder is taken whole: it may read files that nobody imports
    .map((file) => /^functions\/[^/]+(?=\/)/.exec(file)?.[0] ?? file)
    .filter((path) => path.startsWith('functions/'));
  const { schemas } = app;
  const folder = schemas?.startsWith('file:') ? fileURLToPath(schemas) : schemas;
  const own = [dir, ...(folder === undefined ? [] : [relative(root, folder)])];
  const all = [...new Set([...ALWAYS, ...imported, ...own])].map((path) => path.replaceAll('\\', '/'));
  const isBelow = (path: string): boolean => all.some((one) => path.startsWith(`${one}/`));
  return all
    .filter((path) => !path.startsWith('..') && !isBelow(path) && existsSync(join(root, path)))
    .sort();
}

/** All files of the sources, as gcloud uploads them by `ignoreFile`. */
export function filesOf(sources: readonly string[], root: string): string[] {
  return sources.flatMap((path) =>
    statSync(join(root, path)).isDirectory() ? filesBelow(path, root) : [path],
  );
}

/**
 * A file for gcloud's `--ignore-file`, by which just the sources are uploaded. An entry below a folder that is left
 * out cannot be taken in again, so that each folder on the way is taken in and emptied first.
 */
export function ignoreFile(sources: readonly string[]): string {
  const lines = new Set(['/??*']);
  for (const path of sources) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/');
      lines.add(`!/${folder}`).add(`/${folder}/*`);
    }
    lines.add(`!/${path}`);
  }
  return `${[...lines, ...NEVER, '*.log'].join('\n')}\n`;
}

function filesBelow(folder: string, root: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (NEVER.includes(entry.name) || entry.name.endsWith('.log')) return [];
    if (entry.isDirectory()) return filesBelow(path, root);
    return entry.isFile() ? [path] : [];
  });
}

/** These files and all that they import, types included: the build checks them. */
function reached(from: readonly string[], root: string): string[] {
  const found = new Set(from);
  for (const file of found) {
    if (!/\.[cm]?[jt]s$/.test(file)) continue;
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, statement, call] of text.matchAll(/from\s*'(\.[^']+)'|import\s*\(?\s*'(\.[^']+)'/g)) {
      const path = relative(root, resolve(root, dirname(file), statement ?? call!)).replaceAll('\\', '/');
      if (existsSync(join(root, path))) found.add(path);
    }
  }
  return [...found];
}

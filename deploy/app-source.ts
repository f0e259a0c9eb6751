import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '../cli/common/options.ts';
import { CORE_DIR, type LoadedApp } from '../shared/app/load-app.ts';

/** Sources that every app's build needs: the build's own files, and what all functions share. */
const ALWAYS = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  'tsconfig.json',
  'build.ts',
  'bundler',
  'shared',
  'schemas',
];

/** Names excluded in every folder, as in .gcloudignore. */
const NEVER = ['node_modules', '.DS_Store'];

/** Excluded at the top of every app's folder: what only local runs and tests need. */
const LOCAL = ['local.ts', 'local', 'test'];

/**
 * Files and folders of the project that an app is built from: its own folder, its schemas, and the folders of all
 * functions and apps whose code it imports. Sorted, with forward slashes. Throws Failure if it imports a file that is
 * for local runs and tests only.
 */
export function sourcesOf({ app, dir }: LoadedApp, root: string): string[] {
  const files = reached([...uploaded(dir, root), 'build.ts', 'functions/register.ts'], root);
  const local = files.find((file) => LOCAL.some((name) => `${file}/`.startsWith(`${dir}/${name}/`)));
  if (local !== undefined) {
    throw new Failure(`${local} is for local runs and tests only, so nothing that is deployed may import it`);
  }
  const imported = files
    // include a function's whole folder: it may read files that no module imports
    .map((file) => /^[^/]+\/[^/]+(?=\/)/.exec(file)?.[0] ?? file);
  const schemas = (app.schemas ?? []).map((folder) =>
    folder.startsWith('file:') ? fileURLToPath(folder) : folder,
  );
  const own = [dir, ...schemas.map((folder) => relative(root, folder))];
  const all = [...new Set([...ALWAYS, ...imported, ...own])].map((path) => path.replaceAll('\\', '/'));
  const isBelow = (path: string): boolean => all.some((one) => path.startsWith(`${one}/`));
  return all
    .filter((path) => !path.startsWith('..') && !isBelow(path) && existsSync(join(root, path)))
    .sort();
}

/** True if everything that the core is built from is what .gcloudignore lets through: it includes no app. */
export function isPlainCore(sources: readonly string[]): boolean {
  return sources.every((path) => path === CORE_DIR || ALWAYS.includes(path));
}

/** All files below the sources: those that gcloud uploads with `ignoreFile`. */
export function filesOf(sources: readonly string[], root: string): string[] {
  return sources.flatMap((path) =>
    statSync(join(root, path)).isDirectory() ? uploaded(path, root) : [path],
  );
}

/** Files below a source, without those of an app that only local runs and tests need. */
function uploaded(source: string, root: string): string[] {
  const left = localParts(source);
  return filesBelow(source, root).filter((file) => !left.some((path) => `${file}/`.startsWith(`${path}/`)));
}

const localParts = (source: string): string[] =>
  ALWAYS.includes(source) || `${source}/`.startsWith(`${CORE_DIR}/`)
    ? []
    : LOCAL.map((name) => `${source}/${name}`);

/**
 * Content for gcloud's `--ignore-file` that uploads the sources and nothing else. An entry below an excluded folder
 * cannot be included again, so each parent folder is included first and its content excluded.
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
    for (const left of localParts(path)) lines.add(`/${left}`);
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

/** The files and all that they import, types included because the build type-checks. */
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

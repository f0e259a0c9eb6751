import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AppError } from '../core/errors.ts';
import type { App } from './define-app.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Folder of the core app, relative to the project. */
export const CORE_DIR = 'functions';

/** An app and its location. */
export interface LoadedApp {
  app: App;
  /** Folder of its `app.ts`, relative to the project, with slashes: `apps/thumbnails`. */
  dir: string;
}

/**
 * Folder of an app relative to the project. It must be inside the project, which its imports and deployment need.
 * Throws `invalid-config` in one line, without loading anything.
 */
export function findApp(dir: string, root = ROOT): string {
  const path = resolve(dir);
  if (!existsSync(path))
    throw refusal(`--app must be a folder with an app.ts, got ${shown(dir)}: no such folder`);
  if (!existsSync(join(path, 'app.ts'))) {
    throw refusal(`--app must be a folder with an app.ts, got ${shown(dir)}: it has none`);
  }
  const inside = relative(realpathSync(root), realpathSync(path));
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw refusal(`--app must be a folder inside ${root}, such as apps/NAME, got ${shown(dir)}`);
  }
  const isPlain = /^[\w.@+/-]+$/.test(inside.replaceAll(sep, '/'));
  if (!isPlain) {
    throw refusal(
      `--app must be a path of letters, digits, dots, dashes and underscores, got ${shown(inside)}`,
    );
  }
  return inside.replaceAll(sep, '/');
}

/** Imports the default export of `app.ts` in a folder. Throws `invalid-config` in one line. */
export async function loadApp(dir: string, root = ROOT): Promise<LoadedApp> {
  const found = findApp(dir, root);
  const file = `${found}/app.ts`;
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(join(root, file)).href)) as typeof module;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw refusal(`${file} cannot be loaded: ${why.split('\n')[0]}`, error);
  }
  if (!isApp(module.default)) {
    const got = module.default === undefined ? 'none' : `a ${typeof module.default}`;
    throw refusal(`${file} must have a default export made by defineApp, got ${got}`);
  }
  return { app: module.default, dir: found };
}

function isApp(value: unknown): value is App {
  const { name, buckets, topics, functions } = (value ?? {}) as Partial<Record<keyof App, unknown>>;
  return (
    typeof name === 'string' &&
    typeof buckets === 'object' &&
    typeof topics === 'object' &&
    Array.isArray(functions)
  );
}

const shown = (dir: string): string => JSON.stringify(dir);

const refusal = (message: string, cause?: unknown): AppError =>
  new AppError('invalid-config', message, { cause });

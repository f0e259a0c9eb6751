import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { App } from '../../shared/app/define-app.ts';
import { CORE_DIR, findApp, type LoadedApp, loadApp } from '../../shared/app/load-app.ts';
import { AppError } from '../../shared/core/errors.ts';
import { UsageError } from './options.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Folder of the app that a command works on: the first given of `--app`, the app of the running local cloud,
 * PIPELINE_APP and the core app. Throws UsageError.
 */
export function appFolder(typed: string | undefined, running?: string, env: NodeJS.ProcessEnv = {}): string {
  return asUsage(() => findApp(typed ?? resolve(ROOT, running || env['PIPELINE_APP'] || CORE_DIR)));
}

/** @param dir as `appFolder` returns it. Throws UsageError. */
export async function openApp(dir: string): Promise<LoadedApp> {
  // the core app is part of the command's bundle, so it needs no compiler
  if (dir === CORE_DIR) return { app: (await import('../../functions/app.ts')).core, dir };
  return asUsage(() => loadApp(resolve(ROOT, dir)));
}

function asUsage<T>(work: () => T): T {
  const fail = (error: unknown): never => {
    if (error instanceof AppError) throw new UsageError(error.message, { cause: error });
    throw error;
  };
  try {
    const done = work();
    return done instanceof Promise ? (done.catch(fail) as T) : done;
  } catch (error) {
    return fail(error);
  }
}

/** Name of a bucket of the app; undefined if it is not configured. A local cloud names buckets by their keys. */
export function bucketName(
  key: string,
  { buckets }: App,
  { env, isLocal }: { env: NodeJS.ProcessEnv; isLocal: boolean },
): string | undefined {
  return env[buckets[key]?.env ?? ''] || (isLocal ? key : undefined);
}

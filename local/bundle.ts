import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { privateBundle } from '../build.ts';
import { schemaFolders } from '../schemas/compile.ts';
import type { LoadedApp } from '../shared/app/load-app.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Inside the project, so that Node finds the packages that are not bundled. */
const KEPT = join(ROOT, 'node_modules/.cache/event-pipeline-bundles');
const KEPT_UNUSED_MS = 30 * 24 * 60 * 60 * 1_000;

interface KeptBundle {
  folder: string;
  /** State of everything that it was built from, by path below the project. */
  sources: Record<string, string>;
}

/**
 * Folder with the bundle of an app for local runs. If none of its sources has changed since an earlier run, it is the
 * bundle of that run, because building takes seconds. Nothing changes a bundle once it is there, so runs share it.
 */
export async function localBundle(app: LoadedApp): Promise<string> {
  await mkdir(KEPT, { recursive: true });
  const record = join(KEPT, `${createHash('sha256').update(app.dir).digest('hex').slice(0, 16)}.json`);
  const kept = await readRecord(record);
  if (kept !== undefined && (await isCurrent(kept))) return join(KEPT, kept.folder);
  await sweep();

  const begun = Date.now();
  const made = await privateBundle([], app);
  const sources: Record<string, string> = {};
  for (const path of [...made.sources, ...(await unbundledSources(app))]) {
    const state = await stateOf(path, begun);
    if (state !== undefined) sources[path] = state;
  }
  const folder = basename(made.dir);
  await rename(made.dir, join(KEPT, folder));
  await made.remove();
  const draft = join(KEPT, `${folder}.json`);
  await writeFile(draft, JSON.stringify({ folder, sources } satisfies KeptBundle));
  await rename(draft, record);
  return join(KEPT, folder);
}

async function readRecord(path: string): Promise<KeptBundle | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as KeptBundle;
  } catch {
    // none yet, or damaged: a new one is built
    return undefined;
  }
}

async function isCurrent({ folder, sources }: KeptBundle): Promise<boolean> {
  try {
    // the sweep of another run goes by this time
    await utimes(join(KEPT, folder), new Date(), new Date());
  } catch {
    return false;
  }
  const states = await Promise.all(Object.keys(sources).map((path) => stateOf(path)));
  return Object.values(sources).every((state, at) => state === states[at]);
}

/**
 * State of a file or folder; undefined if it does not exist, as esbuild's own virtual files do not. A source that has
 * changed since `begun` was perhaps read before that: its state never equals a later one.
 */
async function stateOf(path: string, begun = Number.POSITIVE_INFINITY): Promise<string | undefined> {
  try {
    const { mtimeMs, size } = await stat(join(ROOT, path));
    return mtimeMs < begun ? `${mtimeMs} ${size}` : 'changed while it was built';
  } catch {
    return undefined;
  }
}

/** Paths that decide what the bundle is without being part of it: the builder, and the events' schemas. */
async function unbundledSources({ app }: LoadedApp): Promise<string[]> {
  const folders = [join(ROOT, 'bundler'), ...schemaFolders(app)];
  const files = ['package-lock.json', 'tsconfig.json', 'build.ts'].map((name) => join(ROOT, name));
  for (const folder of folders) {
    const inside = await readdir(folder, { recursive: true });
    files.push(folder, ...inside.map((name) => join(folder, name)));
  }
  return files.map((path) => relative(ROOT, path));
}

/** Removes what no run has used for a month. */
async function sweep(): Promise<void> {
  for (const name of await readdir(KEPT)) {
    const found = await stat(join(KEPT, name)).catch(() => undefined);
    if (found?.isDirectory() && found.mtimeMs < Date.now() - KEPT_UNUSED_MS) {
      await rm(join(KEPT, name), { recursive: true, force: true });
    }
  }
}

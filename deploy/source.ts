import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Failure } from '../cli/common/options.ts';
import { CORE_DIR, type LoadedApp } from '../shared/app/load-app.ts';
import { counted } from '../shared/core/counted.ts';
import { filesOf, ignoreFile, isPlainCore, sourcesOf } from './app-source.ts';
import type { Gcloud } from './gcloud.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The source that is uploaded for the build. */
export interface Source {
  files: number;
  bytes: number;
  /** Hash of names and contents, 16 hex digits: a function is deployed again if it differs. */
  hash: string;
  /** Folder and ignore file of an app other than the core; undefined for the core, unless it includes an app. */
  app?: { dir: string; ignoreFile: string };
  /** Commit for the label: 40 hex digits, with `-changed` if the tree differs; `none` outside of git. */
  commit: string;
}

/** Hashes exactly the files that gcloud would upload. */
export async function readSource(gcloud: Gcloud, loaded: LoadedApp, root = ROOT): Promise<Source> {
  const { files, app } = await listSource(gcloud, loaded, root);
  return { ...(await measure(files, root)), commit: await commitOf(root), ...(app && { app }) };
}

/** Sorted paths of the files that gcloud would upload: for the core alone, according to .gcloudignore. */
export async function listSource(
  gcloud: Pick<Gcloud, 'text'>,
  loaded: LoadedApp,
  root = ROOT,
): Promise<{ files: string[] } & Pick<Source, 'app'>> {
  const { dir } = loaded;
  const sources = sourcesOf(loaded, root);
  if (dir !== CORE_DIR || !isPlainCore(sources)) {
    return { files: filesOf(sources, root).sort(), app: { dir, ignoreFile: ignoreFile(sources) } };
  }
  const list = await gcloud.text('meta', 'list-files-for-upload', root);
  return {
    files: list
      .split('\n')
      .filter((line) => line !== '')
      .sort(),
  };
}

/** Far above the size of the source, and far below a size that breaks a build. */
const MOST_BYTES = 20 * 1024 * 1024;

/** Describes the source in one line. Throws Failure if its size shows that .gcloudignore is wrong. */
export function describeSource({ files, bytes, commit }: Source): string {
  const size = `${counted(files, 'file')}, ${Math.ceil(bytes / 1024)} KiB`;
  if (files === 0 || bytes > MOST_BYTES) {
    throw new Failure(
      `the source must be 1 file to ${MOST_BYTES / 1024} KiB, got ${size}: fix .gcloudignore ("gcloud meta list-files-for-upload" lists the files)`,
    );
  }
  return `source: ${size}, commit ${commit.slice(0, 12)}`;
}

export async function measure(
  files: readonly string[],
  root: string,
): Promise<Pick<Source, 'files' | 'bytes' | 'hash'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const file of files) {
    const path = join(root, file);
    if ((await stat(path)).isDirectory()) continue;
    const content = await readFile(path);
    bytes += content.length;
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return { files: files.length, bytes, hash: hash.digest('hex').slice(0, 16) };
}

async function commitOf(root: string): Promise<string> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)('git', args, { cwd: root })).stdout.trim();
  try {
    const commit = await git('rev-parse', 'HEAD');
    return (await git('status', '--porcelain')) === '' ? commit : `${commit}-changed`;
  } catch {
    return 'none';
  }
}

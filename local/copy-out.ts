import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { copyPath } from './copy-path.ts';
import { makeFolder, placeFault, removeEmpty } from './make-folder.ts';

/** The folder for copies is not writable; the message gives the reason in one line. */
export class CopyError extends Error {}

export interface Copy {
  /** Object name. */
  object: string;
  body: Uint8Array;
}

/** Copies get the user's file modes, even if this process creates its own files as private. */
export interface CopyOptions {
  /** The user's umask. Default: the process's. */
  mask?: number | undefined;
}

/** Checks before the work that its results can be saved. Throws CopyError. */
export async function checkOut(out: string, options: CopyOptions = {}): Promise<void> {
  await inDraft(out, options, async (draft) => {
    await writeFile(join(draft, 'probe'), 'x');
  });
}

/**
 * Copies the objects below a folder, all of them or none: they are first written beside their destinations. Returns
 * their paths. Throws CopyError.
 */
export async function copyOut(
  out: string,
  copies: readonly Copy[],
  options: CopyOptions = {},
): Promise<string[]> {
  return inDraft(out, options, async (draft) => {
    for (const [index, { body }] of copies.entries()) await writeFile(join(draft, String(index)), body);
    const done: string[] = [];
    try {
      for (const [index, { object }] of copies.entries()) {
        const path = join(resolve(out), copyPath(object));
        asUser(options, () => makeFolder(dirname(path)));
        const file = join(draft, String(index));
        if (options.mask !== undefined) chmodSync(file, 0o666 & ~options.mask);
        renameSync(file, path);
        done.push(path);
      }
    } catch (error) {
      for (const path of done) rmSync(path, { force: true });
      throw error;
    }
    return done;
  });
}

/** Runs `work` with a temporary folder in `out`, which is removed afterwards, also after a signal. */
async function inDraft<T>(
  out: string,
  options: CopyOptions,
  work: (draft: string) => Promise<T>,
): Promise<T> {
  let draft: string | undefined;
  const isNew = !existsSync(out);
  const remove = (): void => {
    if (draft !== undefined) rmSync(draft, { recursive: true, force: true });
  };
  try {
    asUser(options, () => makeFolder(out));
    draft = mkdtempSync(join(resolve(out), '.copying-'));
    process.once('exit', remove);
    return await work(draft);
  } catch (error) {
    remove();
    if (isNew) removeEmpty(out);
    throw new CopyError(`${out} cannot be written: ${placeFault(error) ?? String(error)}`, { cause: error });
  } finally {
    process.off('exit', remove);
    remove();
  }
}

function asUser({ mask }: CopyOptions, work: () => void): void {
  const own = mask === undefined ? undefined : process.umask(mask);
  try {
    work();
  } finally {
    if (own !== undefined) process.umask(own);
  }
}

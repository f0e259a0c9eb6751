import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Creates a folder and its parents. Node's own `recursive` never returns if the system reports ENOENT although the
 * parent exists, as in /proc. Throws the system's error.
 */
export function makeFolder(dir: string, mode = 0o777): void {
  const path = resolve(dir);
  const known = statSync(path, { throwIfNoEntry: false });
  if (known?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path && !statSync(parent, { throwIfNoEntry: false })) makeFolder(parent);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // created by another process meanwhile
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

/** Removes what `makeFolder` created, unless it is in use. */
export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // it was never created, or is not empty
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the quota is exhausted',
  EEXIST: 'a file of that name already exists',
  EFBIG: 'the file would be larger than allowed',
  EIO: 'the device reports an error',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENXIO: 'there is no such device',
};

/** Describes why the system refused to write; undefined if the error is not about a place on disk. */
export function placeFault(error: unknown): string | undefined {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === undefined ? undefined : REASONS[code] && `${REASONS[code]} (${code})`;
}

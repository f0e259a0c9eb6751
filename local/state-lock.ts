import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeFault } from './make-folder.ts';

export interface StateLock {
  /** False once the folder was removed or moved, or another process took the lock. */
  isHeld(): boolean;
  release(): void;
}

/**
 * Locks a folder for one local cloud: two would write the same files. Throws if another process holds it; a lock
 * left behind by a killed process is taken over. The folder must exist.
 */
export function lockFolder(dir: string): StateLock {
  const file = join(dir, 'pid');
  const own = String(process.pid);
  for (;;) {
    try {
      writeFileSync(file, own, { flag: 'wx' });
      return {
        isHeld: () => holderOf(file) === own,
        release: () => {
          if (holderOf(file) === own) rmSync(file, { force: true });
        },
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        // the lock was created, but there was no room for the process id
        if (holderOf(file) === '') rmSync(file, { force: true });
        throw new Error(`${dir} cannot be used: ${placeFault(error) ?? String(error)}`, { cause: error });
      }
    }
    const holder = Number(holderOf(file));
    if (isAlive(holder)) throw new Error(`a local cloud is already running in ${dir} (process ${holder})`);
    rmSync(file, { force: true });
  }
}

function holderOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A path where no folder and no file can be created. */
export interface Place {
  what: string;
  path: string;
  /** The reason, as an error message states it. */
  reason: RegExp;
}

/** A file system of a few kilobytes in memory, which only root may make. */
export interface SmallDisk {
  path: string;
  fill(): void;
  empty(): void;
  remove(): void;
}

/** Undefined if none can be mounted. */
export function smallDisk(path: string, kilobytes: number): SmallDisk | undefined {
  mkdirSync(path, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const filler = join(path, 'filler');
  return {
    path,
    fill() {
      try {
        writeFileSync(filler, Buffer.alloc(kilobytes * 1024));
      } catch {
        // the disk is full now
      }
    },
    empty: () => rmSync(filler, { force: true }),
    remove: () => void execFileSync('umount', ['-l', path], { stdio: 'ignore' }),
  };
}

/** Creates, below `dir`, every kind of unwritable place that this machine supports. */
export function unwritablePlaces(dir: string): { places: Place[]; remove(): void } {
  const file = join(dir, 'a-file');
  writeFileSync(file, 'kept');
  const places: Place[] = [
    {
      what: 'where the kernel makes the folders',
      path: '/proc/x',
      reason: /there is no such file or folder \(ENOENT\)/,
    },
    {
      what: 'below a file',
      path: join(file, 'x'),
      reason: /a part of the path is a file, not a folder \(ENOTDIR\)/,
    },
  ];
  const full = smallDisk(join(dir, 'full'), 64);
  const readOnly = smallDisk(join(dir, 'read-only'), 64);
  full?.fill();
  if (full) {
    places.push({
      what: 'a full disk',
      path: join(full.path, 'x'),
      reason: /no space left on device \(ENOSPC\)/,
    });
  }
  if (readOnly) {
    execFileSync('mount', ['-o', 'remount,ro', readOnly.path], { stdio: 'ignore' });
    const path = join(readOnly.path, 'x');
    places.push({ what: 'a read-only disk', path, reason: /the file system is read-only \(EROFS\)/ });
  }
  return {
    places,
    remove() {
      full?.remove();
      readOnly?.remove();
    },
  };
}

/** Entries next to the place: a failed command must leave nothing there. */
export function siblingsOf({ path }: Place): string[] {
  try {
    return path.startsWith('/proc/') ? [] : readdirSync(dirname(path));
  } catch {
    return [];
  }
}

import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface WriteOptions {
  /** Permissions of the file. Default: the user's. */
  mode?: number;
  /** Fail with EEXIST, and leave the file alone, if it exists already. */
  isNew?: boolean;
}

/** Writes a file completely or not at all, through a temporary file beside it. Throws the system's error. */
export function writeWhole(file: string, content: string | Uint8Array, options: WriteOptions = {}): void {
  const { mode = 0o666, isNew = false } = options;
  const draft = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeFileSync(draft, content, { flag: 'wx', mode });
    if (isNew) linkSync(draft, file);
    else renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

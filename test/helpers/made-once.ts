import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Inside the project, so that what is made there finds the packages. */
export const CACHE = fileURLToPath(new URL('../../node_modules/.cache/event-pipeline/', import.meta.url));

/** Folder in which the test files of one run share what is made once; undefined outside such a run. */
export const runPlace = (): string | undefined => process.env['TEST_BUNDLE_PLACE'];

/**
 * Folder that `make` fills, once in a test run: the first caller makes it, and all others wait. Outside a run each
 * caller has one of its own.
 */
export async function madeOnce(name: string, make: (dir: string) => Promise<void>): Promise<string> {
  const place = runPlace() ?? (await mkdtemp(CACHE));
  const dir = join(place, name);
  const failed = `${dir}.failed`;
  if (await isFirst(`${dir}.begun`)) {
    try {
      // renamed once complete, so that any process that sees it can use it
      await mkdir(`${dir}.draft`);
      await make(`${dir}.draft`);
      await rename(`${dir}.draft`, dir);
    } catch (error) {
      await writeFile(failed, String(error));
      throw error;
    }
  }
  while (!existsSync(dir)) {
    if (existsSync(failed)) throw new Error(`${name} could not be made: another test file says why`);
    await delay(20);
  }
  return dir;
}

async function isFirst(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

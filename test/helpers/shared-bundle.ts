import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { privateBundle } from '../../build.ts';

/** The core app's bundle: the one shared by this test run, or else the caller's own until `remove`. */
export async function sharedBundle(): Promise<{ dir: string; remove(): Promise<void> }> {
  const place = process.env['TEST_BUNDLE_PLACE'];
  if (place === undefined) return privateBundle();
  const dir = join(place, 'bundle');
  const failed = join(place, 'failed');
  if (await isFirst(join(place, 'begun'))) {
    try {
      // renamed once complete, so that any process that sees it can run it
      const made = await privateBundle();
      await rename(made.dir, dir);
    } catch (error) {
      await writeFile(failed, String(error));
      throw error;
    }
  }
  while (!existsSync(dir)) {
    if (existsSync(failed)) throw new Error('the bundle could not be made: another test file says why');
    await delay(50);
  }
  return { dir, remove: async () => undefined };
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

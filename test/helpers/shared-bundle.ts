import { rename, rm } from 'node:fs/promises';
import { privateBundle } from '../../build.ts';
import { madeOnce, runPlace } from './made-once.ts';

/** The core app's bundle: the one shared by this test run, or else the caller's own until `remove`. */
export async function sharedBundle(): Promise<{ dir: string; remove(): Promise<void> }> {
  if (runPlace() === undefined) return privateBundle();
  const dir = await madeOnce('bundle', async (draft) => {
    const made = await privateBundle();
    await rm(draft, { recursive: true });
    await rename(made.dir, draft);
  });
  return { dir, remove: async () => undefined };
}

import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, placeFault } from './make-folder.ts';

/** Files of the local cloud in its folder. */
const OWN: ReadonlySet<string> = new Set([
  'endpoints.json',
  'endpoints.json.next',
  // from earlier versions
  'eventarc',
  'eventarc-pubsub',
  'no-credentials',
  'pid',
  'pubsub',
  'services',
  'storage',
  'vertex',
]);
const OTHERS = 0o077;

/**
 * Creates the local cloud's folder for its owner only, and removes the permissions that an earlier run left open.
 * If the folder holds anything else, its mode stays, and only our files in it are closed. Returns what was closed.
 * Throws in one line if the place cannot be used.
 */
export function makePrivateFolder(dir: string): string[] {
  try {
    makeFolder(dir, 0o700);
    const entries = readdirSync(dir);
    const places = entries.every((entry) => OWN.has(entry))
      ? [dir]
      : entries.filter((entry) => OWN.has(entry)).map((entry) => join(dir, entry));
    return places.filter(closeToOthers);
  } catch (error) {
    throw new Error(`${dir} cannot be used: ${placeFault(error) ?? String(error)}`, { cause: error });
  }
}

function closeToOthers(place: string): boolean {
  // Windows has no such modes
  if (process.platform === 'win32') return false;
  const { mode } = statSync(place);
  if ((mode & OTHERS) === 0) return false;
  chmodSync(place, mode & ~OTHERS & 0o7777);
  return true;
}

import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, placeFault } from './make-folder.ts';

/** What the local cloud keeps in its folder. */
const OWN: ReadonlySet<string> = new Set([
  'endpoints.json',
  'endpoints.json.next',
  // of earlier versions
  'eventarc',
  'eventarc-pubsub',
  'no-credentials',
  'pid',
  'pubsub',
  'storage',
  'vertex',
]);
const OTHERS = 0o077;

/**
 * Makes the folder of the local cloud for its owner alone, and closes to others what an earlier run left open.
 * A folder that holds anything else keeps its mode, and what is ours in it is closed. Returns what was closed.
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

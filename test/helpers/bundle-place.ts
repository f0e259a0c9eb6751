import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { CACHE } from './made-once.ts';

/** Folder in which the test files of one run share bundles and clips, which take seconds to make. */
export async function setup(): Promise<() => Promise<void>> {
  await mkdir(CACHE, { recursive: true });
  const place = await mkdtemp(`${CACHE}run-`);
  process.env['TEST_BUNDLE_PLACE'] = place;
  return () => rm(place, { recursive: true, force: true });
}

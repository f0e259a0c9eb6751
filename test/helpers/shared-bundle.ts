import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localBundle } from '../../local/bundle.ts';
import { CORE_DIR, loadApp } from '../../shared/app/load-app.ts';
import { madeOnce, runPlace } from './made-once.ts';

/** Folder of an app's bundle. Test files that start at the same time wait for the first one to build it. */
export async function sharedBundle(app = CORE_DIR): Promise<string> {
  const build = async (): Promise<string> => localBundle(await loadApp(app));
  if (runPlace() === undefined) return build();
  const found = await madeOnce(`bundle-${app.replaceAll('/', '-')}`, async (draft) => {
    await writeFile(join(draft, 'folder'), await build());
  });
  return readFile(join(found, 'folder'), 'utf8');
}

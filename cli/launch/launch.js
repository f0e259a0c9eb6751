// The programs are TypeScript. They run from a bundle of their current sources, or through tsx if there is none.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findBundle, makeBundle, NODE_CACHE } from './bundle.js';

/**
 * Runs a program with the arguments of this process.
 * @param {'cli' | 'local'} folder where its `main.ts` is
 */
export async function launch(folder) {
  // Node 22 and later also cache the compiled code
  if (process.env.NODE_COMPILE_CACHE === undefined) module.enableCompileCache?.(NODE_CACHE);

  const bundle = findBundle() ?? (await makeBundle());
  if (bundle !== undefined) {
    await import(pathToFileURL(join(bundle, folder, 'main.js')).href);
    return;
  }
  // tsx caches there, and hangs if it cannot create the folder
  if (!existsSync(tmpdir())) {
    process.stderr.write(
      `the temporary folder ${JSON.stringify(tmpdir())} is not there: set TMPDIR to one that is\n`,
    );
    process.exit(1);
  }
  const { register } = await import('tsx/esm/api');
  register();
  await import(new URL(`../../${folder}/main.ts`, import.meta.url).href);
}

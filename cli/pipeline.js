#!/usr/bin/env node
// The command is TypeScript. It runs from a bundle of its current sources, or through tsx if there is none.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { findBundle, makeBundle, NODE_CACHE } from './launch/bundle.js';

// Node 22 and later also cache the compiled code
if (process.env.NODE_COMPILE_CACHE === undefined) module.enableCompileCache?.(NODE_CACHE);

const bundle = findBundle() ?? (await makeBundle());
if (bundle !== undefined) {
  await import(bundle);
} else {
  // tsx caches there, and hangs if it cannot create the folder
  if (!existsSync(tmpdir())) {
    process.stderr.write(
      `the temporary folder ${JSON.stringify(tmpdir())} is not there: set TMPDIR to one that is\n`,
    );
    process.exit(1);
  }
  const { register } = await import('tsx/esm/api');
  register();
  await import('./main.ts');
}

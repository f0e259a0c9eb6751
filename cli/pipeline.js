#!/usr/bin/env node
// The command is TypeScript. It runs from a bundle of exactly its present sources, or without one through tsx.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { findBundle, makeBundle, NODE_CACHE } from './launch/bundle.js';

// Node 22 and later keep the compiled code, too
if (process.env.NODE_COMPILE_CACHE === undefined) module.enableCompileCache?.(NODE_CACHE);

const bundle = findBundle() ?? (await makeBundle());
if (bundle !== undefined) {
  await import(bundle);
} else {
  // tsx keeps its cache there, and never returns if the folder cannot be made
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

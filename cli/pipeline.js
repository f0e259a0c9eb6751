#!/usr/bin/env node
// The command is TypeScript: tsx compiles it as it loads.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { register } from 'tsx/esm/api';

// tsx keeps its cache there, and never returns where the folder cannot be made
if (!existsSync(tmpdir())) {
  process.stderr.write(
    `the temporary folder ${JSON.stringify(tmpdir())} is not there: set TMPDIR to one that is\n`,
  );
  process.exit(1);
}
register();
await import('./main.ts');

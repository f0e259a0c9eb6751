#!/usr/bin/env node
// The command is TypeScript: tsx compiles it as it loads.
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');

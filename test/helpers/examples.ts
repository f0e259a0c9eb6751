import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Folders of the example apps. */
export const EXAMPLES: readonly string[] = readdirSync(join(root, 'examples'))
  .filter((name) => existsSync(join(root, 'examples', name, 'app.ts')))
  .map((name) => `examples/${name}`);

/** Packages that the examples import by name, and that no deployed code of the core does. */
export function examplePackages(): string[] {
  const ofCore = new Set(['functions', 'shared', 'schemas'].flatMap(packagesIn));
  return [...new Set(EXAMPLES.flatMap(packagesIn))].filter((name) => !ofCore.has(name));
}

function packagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(root, folder, file), 'utf8');
      return [...text.matchAll(/(?:from|import\()\s*'([@\w][\w@/.:-]*)'/g)];
    })
    .map(([, specifier = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0])
    .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name));
}

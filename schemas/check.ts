import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { counted } from '../shared/core/counted.ts';
import { type Breakage, breakages } from './compare.ts';
import { compileValidators, readSchemas, schemaFolders } from './compile.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

const FILE = /^[^/]+\/[^/]+\.json$/;

export interface CheckedFile {
  /** Path from the root of the repository, such as `schemas/<type>/<version>.json`. */
  path: string;
  problems: Breakage[];
}

/**
 * Compares the schemas in a folder of a working tree with those of a commit. A published version must stay readable: a
 * change that breaks readers belongs in a new version beside it. Throws if git does not know the commit.
 */
export function checkSchemas(folder: string, base: string): CheckedFile[] {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    git('rev-parse', '--verify', '--quiet', `${base}^{commit}`);
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new Error(stderr.trim() || `git knows no commit ${base}`, { cause });
  }
  const prefix = git('rev-parse', '--show-prefix').trim();
  // with -z, names end in NUL and are not quoted
  const known = git('ls-tree', '-r', '-z', '--name-only', base, '--', '.').split('\0');
  return known
    .filter((name) => FILE.test(name))
    .map((name) => {
      const path = `${prefix}${name}`;
      if (!existsSync(`${folder}/${name}`)) {
        return { path, problems: [{ at: '/', what: 'is removed: events of this version are in the table' }] };
      }
      const before = JSON.parse(git('show', `${base}:${path}`));
      const after = JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
      return { path, problems: breakages(before, after) };
    });
}

const USAGE = `usage: npm run schemas:check -- [commit] [--folder DIR]

Compares the event schemas in a folder (default: schemas/) with those of a commit (default: origin/main, else HEAD)
and names every change that breaks readers of events already stored. Exit code: 0 none, 1 some, 2 no such commit, a
schema that does not compile, or wrong usage.
`;

function main(args: string[]): void {
  const { base, folder, help } = optionsOf(args);
  if (base === undefined) {
    (help ? process.stdout : process.stderr).write(USAGE);
    process.exitCode = help ? 0 : 2;
    return;
  }
  let checked: CheckedFile[];
  try {
    // a schema that does not compile would break the build later
    compileValidators(readSchemas(schemaFolders({ schemas: [folder] })));
    checked = checkSchemas(folder, base);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
    return;
  }
  for (const { path, problems } of checked) {
    for (const { at, what } of problems) process.stdout.write(`${path} ${at}: ${what}\n`);
  }
  const broken = checked.filter(({ problems }) => problems.length > 0);
  const verdict =
    broken.length === 0
      ? 'readers are safe'
      : `${broken.length === 1 ? '1 breaks' : `${broken.length} break`} readers; put the change into a new version`;
  process.stdout.write(`${counted(checked.length, 'schema')} of ${base} compared: ${verdict}\n`);
  if (broken.length > 0) process.exitCode = 1;
}

/** `base` is undefined for wrong usage and for help. */
function optionsOf(args: string[]): { base: string | undefined; folder: string; help: boolean } {
  const wrong = { base: undefined, folder: here, help: false };
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        folder: { type: 'string', default: here },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help || positionals.length > 1) return { ...wrong, help: values.help };
    return { base: positionals[0] ?? defaultBase(), folder: resolve(values.folder), help: false };
  } catch {
    return wrong;
  }
}

function defaultBase(): string {
  try {
    execFileSync('git', ['rev-parse', '--verify', '--quiet', 'origin/main'], { stdio: 'ignore' });
    return 'origin/main';
  } catch {
    return 'HEAD';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Breakage, breakages } from './compare.ts';
import { compileValidators, readSchemas } from './compile.ts';

const FILE = /^schemas\/[^/]+\/[^/]+\.json$/;

export interface CheckedFile {
  /** `schemas/<type>/<version>.json`. */
  path: string;
  problems: Breakage[];
}

/**
 * Compares the schemas of a working tree with those of a commit. A version that is published stays readable: a
 * change that breaks readers belongs into a new version beside it. Throws where git does not know the commit.
 */
export function checkSchemas(root: string, base: string): CheckedFile[] {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    git('rev-parse', '--verify', '--quiet', `${base}^{commit}`);
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new Error(stderr.trim() || `git knows no commit ${base}`, { cause });
  }
  // names end in NUL: others would come quoted
  const known = git('ls-tree', '-r', '-z', '--name-only', base, '--', 'schemas').split('\0');
  return known
    .filter((path) => FILE.test(path))
    .map((path) => {
      if (!existsSync(`${root}/${path}`)) {
        return { path, problems: [{ at: '/', what: 'is removed: events of this version are in the table' }] };
      }
      const before = JSON.parse(git('show', `${base}:${path}`));
      const after = JSON.parse(readFileSync(`${root}/${path}`, 'utf8'));
      return { path, problems: breakages(before, after) };
    });
}

const USAGE = `usage: npm run schemas:check -- [commit]

Compares the event schemas with those of a commit (default: origin/main, else HEAD) and names every change that
breaks readers of events already stored. Exit code: 0 none, 1 some, 2 no such commit, a schema that does
not compile, or wrong usage.
`;

function main([base = defaultBase(), ...more]: string[]): void {
  if (base.startsWith('-') || more.length > 0) {
    const help = base === '--help';
    (help ? process.stdout : process.stderr).write(USAGE);
    process.exitCode = help ? 0 : 2;
    return;
  }
  const root = fileURLToPath(new URL('..', import.meta.url));
  let checked: CheckedFile[];
  try {
    // what does not compile would stop the build later
    compileValidators(readSchemas(`${root}schemas`));
    checked = checkSchemas(root, base);
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
  process.stdout.write(`${checked.length} schemas of ${base} compared: ${verdict}\n`);
  if (broken.length > 0) process.exitCode = 1;
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

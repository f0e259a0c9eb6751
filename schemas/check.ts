import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { counted } from '../shared/core/counted.ts';
import { type Breakage, breakages } from './compare.ts';
import { compileValidators, readSchemas, schemaFolders } from './compile.ts';
import { checkContracts, foldersIn } from './contracts.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

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

Compares the event schemas of the core and of all apps with those of a commit (default: origin/main, else HEAD) and
names every change that breaks readers of events already stored. Then checks the contracts of all apps, which say
what a consumer reads: every version of a schema must guarantee it.

  --folder DIR   check the schemas in this folder, and the contracts beside it, only

Exit code: 0 all is well, 1 a reader breaks, 2 no such commit, a schema that does not compile, or wrong usage.
`;

/** Folders with apps: their own are below. */
const APPS = ['examples', 'apps'];

/** Folders of an app, or of the core: its schemas are in `schemas`, its contracts in `contracts` beside them. */
function placesToCheck(): string[] {
  const apps = APPS.map((name) => join(ROOT, name)).filter((folder) => existsSync(folder));
  const own = apps.flatMap((folder) => foldersIn(folder).map((name) => join(folder, name)));
  return [ROOT, ...own];
}

function main(args: string[]): void {
  const { base, folder, help } = optionsOf(args);
  if (base === undefined) {
    (help ? process.stdout : process.stderr).write(USAGE);
    process.exitCode = help ? 0 : 2;
    return;
  }
  const schemas: CheckedFile[] = [];
  const broken: string[] = [];
  let contracts = 0;
  try {
    const places = folder === undefined ? placesToCheck() : [dirname(folder)];
    for (const place of places) {
      const own = folder ?? join(place, 'schemas');
      if (existsSync(own)) {
        // a schema that does not compile would break the build later
        compileValidators(readSchemas(schemaFolders({ schemas: [own] })));
        schemas.push(...checkSchemas(own, base));
      }
      const { checked, faults } = checkContracts(place);
      contracts += checked;
      broken.push(...faults.map((fault) => `${relative(ROOT, place) || 'core'}: ${fault}`));
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
    return;
  }
  for (const { path, problems } of schemas) {
    for (const { at, what } of problems) process.stdout.write(`${path} ${at}: ${what}\n`);
  }
  for (const line of broken) process.stdout.write(`${line}\n`);
  const changed = schemas.filter(({ problems }) => problems.length > 0).length;
  process.stdout.write(
    `${counted(schemas.length, 'schema')} of ${base} compared: ${
      changed === 0
        ? 'readers are safe'
        : `${changed === 1 ? '1 breaks' : `${changed} break`} readers; put the change into a new version`
    }\n${counted(contracts, 'contract')} checked: ${
      broken.length === 0
        ? 'every schema guarantees what consumers read'
        : counted(broken.length, 'broken promise')
    }\n`,
  );
  if (changed > 0 || broken.length > 0) process.exitCode = 1;
}

interface CheckOptions {
  /** Undefined for wrong usage and for help. */
  base: string | undefined;
  folder: string | undefined;
  help: boolean;
}

function optionsOf(args: string[]): CheckOptions {
  const wrong = { base: undefined, folder: undefined, help: false };
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { folder: { type: 'string' }, help: { type: 'boolean', default: false } },
    });
    if (values.help || positionals.length > 1) return { ...wrong, help: values.help };
    const folder = values.folder === undefined ? undefined : resolve(values.folder);
    return { base: positionals[0] ?? defaultBase(), folder, help: false };
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

import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FIRST = 'first';
const COPIED = [
  ...[
    'deploy.sh',
    'deploy',
    'monitoring',
    'bundler',
    'functions',
    'shared',
    'schemas',
    'cli',
    'local',
    'examples',
  ],
  ...[
    'package.json',
    'package-lock.json',
    '.npmrc',
    'tsconfig.json',
    'build.ts',
    '.gcloudignore',
    '.gitignore',
  ],
];

export interface Tree {
  folder: string;
  /** Changes the functions' source, as a next commit does. */
  change(): void;
  /** Goes back to the first commit. */
  back(): void;
  remove(): void;
}

/** A separate checkout: unaffected by edits of the real one, and free to be changed. */
export function copyTree(): Tree {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-tree-'));
  for (const name of COPIED) {
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const git = (...args: string[]): void => {
    // the same commit in every test file: what one deployed, another has
    const date = '2026-01-01T00:00:00Z';
    const env = { ...process.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], {
      cwd: folder,
      env,
    });
  };
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'as it is');
  git('tag', FIRST);
  return {
    folder,
    change: () => {
      appendFileSync(join(folder, 'functions/register.ts'), '\n');
      git('commit', '-q', '-a', '-m', 'a change');
    },
    back: () => git('checkout', '-q', FIRST),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

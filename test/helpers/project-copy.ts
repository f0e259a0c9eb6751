import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Files of the project that Git tracks. */
export function projectFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return listed.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
}

/** Copies the project as a clone would have it, with the installed packages. */
export function copyProject(to: string): void {
  for (const file of projectFiles()) cpSync(join(root, file), join(to, file));
  // entry by entry, so that the copy has its own caches
  mkdirSync(join(to, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(to, 'node_modules', name));
  }
}

/** Files of the project that the copy changed or deleted. */
export function changedFiles(copy: string): string[] {
  return projectFiles().filter(
    (file) =>
      !existsSync(join(copy, file)) || !readFileSync(join(copy, file)).equals(readFileSync(join(root, file))),
  );
}

/** Writes the blocks of a page that name their file, in the first line or after `json`. Returns the files. */
export function writeBlocks(page: string, to: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = text.matchAll(/```(?:ts\n\/\/|json) (\S+)\n([\s\S]*?)```/g);
  return [...blocks].map(([, file = '', code = '']) => {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    writeFileSync(join(to, file), code);
    return file;
  });
}

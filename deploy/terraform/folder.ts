import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, quoted } from '../../cli/common/options.ts';
import { makeFolder } from '../../local/make-folder.ts';
import { MARK } from './configuration.ts';

/** Files that are written; only the first decides whose the folder is. */
const FILES = ['main.tf.json', 'imports.tf.json', 'source.zip', 'README.md'] as const;
export type Files = Readonly<Partial<Record<(typeof FILES)[number], string | Buffer>>>;

/** Throws Failure if the folder holds something, and not what an earlier run wrote. */
export function checkFolder(folder: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) throw new Failure(`--out must be a folder, got ${quoted(folder)}`);
  if (isOurs(folder)) return;
  const [first] = readdirSync(folder);
  if (first === undefined) return;
  throw new Failure(
    `--out must be a new or empty folder, or one that an earlier --format terraform wrote, got ${quoted(folder)}, which holds ${first}`,
  );
}

function isOurs(folder: string): boolean {
  const main = join(folder, FILES[0]);
  return existsSync(main) && readFileSync(main, 'utf8').includes(JSON.stringify(MARK));
}

/** Writes the files and removes those of an earlier run that are not given. Others, such as a state, stay. */
export function writeFolder(folder: string, files: Files): void {
  makeFolder(folder);
  for (const name of FILES) {
    const content = files[name];
    if (content === undefined) rmSync(join(folder, name), { force: true });
    else writeFileSync(join(folder, name), content);
  }
}

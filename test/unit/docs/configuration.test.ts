import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSettings, type Setting } from '../../helpers/settings.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
const settings = await readSettings();

interface Row {
  names: string[];
  /** By the heading of its column. */
  cells: Record<string, string>;
}

/** Rows of every table whose first column is headed `variable`. */
function rowsOf(text: string): Row[] {
  const cellsOf = (line: string): string[] =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim());
  let heads: string[] | undefined;
  return text.split('\n').flatMap((line): Row[] => {
    if (!line.startsWith('|')) heads = undefined;
    else if (heads === undefined) heads = cellsOf(line);
    else if (heads[0] === 'variable' && !line.startsWith('| ---')) {
      const cells = cellsOf(line);
      const names = [...cells[0]!.matchAll(/`([A-Z][A-Z0-9_]*)`/g)].map(([, name]) => name!);
      return [{ names, cells: Object.fromEntries(heads.map((head, index) => [head, cells[index] ?? ''])) }];
    }
    return [];
  });
}

function sources(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  );
}

/** Variables that the command line, the local cloud and the deployment look up themselves. */
function lookedUp(): string[] {
  const found = sources('cli', 'local', 'deploy').flatMap((text) =>
    [...text.matchAll(/(?:env\[|orLocally\()'([A-Z][A-Z0-9_]*)'/g)].map(([, name]) => name!),
  );
  // of the shell and of gcloud, not ours
  return [...new Set(found)].filter((name) => !/^(PATH|HOME|COLUMNS|CLOUDSDK_API_ENDPOINT_.*)$/.test(name));
}

test('every variable that the code reads is in the tables, and none that it does not read', () => {
  const documented = new Set(rowsOf(page).flatMap(({ names }) => names));
  const read = new Set([...settings.keys(), ...lookedUp()]);
  expect([...read].filter((name) => !documented.has(name))).toEqual([]);
  expect([...documented].filter((name) => !read.has(name))).toEqual([]);
});

test('no variable is read outside of what was run to find them', () => {
  const reads = /\.(?:required|optional|string|number|integer|oneOf|boolean|topic)\(\s*'([A-Z][A-Z0-9_]*)'/g;
  const found = sources('functions', 'shared').flatMap((text) =>
    [...text.matchAll(reads)].map(([, name]) => name!),
  );
  expect(found.length).toBeGreaterThan(40);
  expect(found.filter((name) => !settings.has(name))).toEqual([]);
});

test('defaults and bounds are those of the code', () => {
  const rows = rowsOf(page).filter(({ cells }) => cells['default'] !== undefined);
  expect(rows.length).toBeGreaterThan(40);
  const documented = rows.map(
    ({ names, cells }): Setting => ({
      name: names.join(),
      fallback: cells['default'] ?? '',
      allowed: cells['allowed'] ?? '',
    }),
  );
  expect(documented).toEqual(documented.map(({ name }) => settings.get(name)));
});

test('what a function requires is said to be required', () => {
  const required = [...settings.values()].filter(({ fallback }) => fallback === 'required');
  const rows = rowsOf(page).filter(({ cells }) => cells['required by']);
  expect(rows.flatMap(({ names }) => names)).toEqual(
    expect.arrayContaining(required.map(({ name }) => name)),
  );
});

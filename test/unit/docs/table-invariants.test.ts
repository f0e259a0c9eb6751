import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const page = fileURLToPath(new URL('../../../docs/table-invariants.md', import.meta.url));
const rules = readFileSync(page, 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line));

/** Undoes the escaped quotes of names in test files. */
const spoken = (code: string): string => code.replaceAll("\\'", "'");

test('every invariant names a test that exists', () => {
  expect(rules.length).toBeGreaterThan(40);
  const unheld = rules.filter((rule) => {
    const [, file, name] = /\]\((\S+\.test\.ts)\): "([^|]+)" \|$/.exec(rule) ?? [];
    if (file === undefined || name === undefined) return true;
    return !spoken(readFileSync(resolve(dirname(page), file), 'utf8')).includes(name);
  });
  expect(unheld).toEqual([]);
});

test('the invariants are numbered without a gap', () => {
  expect(rules.map((rule) => Number(rule.split('|')[1]))).toEqual(rules.map((_, index) => index + 1));
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { counted } from '../../../shared/core/counted.ts';

test.each([
  [0, 'file', undefined, '0 files'],
  [1, 'file', undefined, '1 file'],
  [12_345, 'file', undefined, '12,345 files'],
  [1, 'delivery', 'deliveries', '1 delivery'],
  [2, 'delivery', 'deliveries', '2 deliveries'],
])('%i of %s is "%4$s"', (value, one, many, text) => {
  expect(counted(value, one, many)).toBe(text);
});

test('nouns that do not take an s are given their plural', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const wrong = ['shared', 'functions', 'cli', 'local', 'deploy'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => readFileSync(join(root, folder, file), 'utf8').match(/counted\([^;]*?\)/g) ?? [])
      .filter((call) => /^[^']*'[^']*([^aeiou]y|s|x|ch|sh)'\)$/.test(call)),
  );
  expect(wrong).toEqual([]);
});

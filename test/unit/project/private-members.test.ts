import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const FOLDERS = ['cli', 'deploy', 'functions', 'local', 'shared'];

test('members are private at run time too: #name, never the keyword; a constructor has no other way', () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  const withKeyword = files.filter((file) =>
    /^\s*(?:(?:static|readonly|override) )*private (?!constructor\()/m.test(
      readFileSync(join(root, file), 'utf8'),
    ),
  );
  expect(withKeyword).toEqual([]);
});

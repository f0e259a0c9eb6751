import { resolve, sep } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyPath } from '../../../local/copy-path.ts';

const SAMPLES: [object: string, path: string][] = [
  ['clip.mp4/17/manifest.json', 'clip.mp4/17/manifest.json'],
  ['100% sure.mp4', '100% sure.mp4'],
  ['Übung 漢字.mp4', 'Übung 漢字.mp4'],
  ['../../evil', '%2E%2E/%2E%2E/evil'],
  ['..', '%2E%2E'],
  ['./a', '%2E/a'],
  ['/etc/passwd', '%/etc/passwd'],
  ['a//b', 'a/%/b'],
  ['a/', 'a/%'],
  ['%', '%25'],
  ['%2E%2E', '%252E%252E'],
  ['a\u0000b\u001b[31m', 'a%00b%1B[31m'],
  ['x\u202egpj', 'x%E2%80%AEgpj'],
  ['..\\..\\evil', '..%5C..%5Cevil'],
];

test.each(SAMPLES)('%j goes to %j', (object, path) => {
  expect(copyPath(object)).toBe(path);
});

test('a part that no file system takes is cut, and distinguished by its hash', () => {
  const path = copyPath(`${'ü'.repeat(450)}/manifest.json`);
  expect(path).toMatch(/^ü{60}~[0-9a-f]{32}\/manifest\.json$/);
  expect(copyPath(`${'ü'.repeat(451)}/manifest.json`)).not.toBe(path);
});

const part = fc.oneof(
  fc.constantFrom('', '.', '..', '...', '%', '%2E', '%2e', '%25', '\u0000', '\\', 'a', 'a\u202e', '~'),
  fc.string({ unit: 'grapheme' }),
);
const name = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));

test('for any name, the copy is below its folder, and no part is too long for a file system', () => {
  fc.assert(
    fc.property(name, (object) => {
      const path = copyPath(object);
      expect(resolve('/out', path)).toBe(`/out${sep}${path}`);
      for (const one of path.split('/')) expect(Buffer.byteLength(one)).toBeLessThanOrEqual(200);
    }),
    { seed: 16, numRuns: 2_000 },
  );
});

test('two names never share a path', () => {
  fc.assert(
    fc.property(name, name, (a, b) => {
      expect(copyPath(a) === copyPath(b)).toBe(a === b);
    }),
    { seed: 16, numRuns: 5_000 },
  );
});

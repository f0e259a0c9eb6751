import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { makePrivateFolder } from '../../../local/private-folder.ts';

const base = mkdtempSync(join(tmpdir(), 'private-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
let dir: string;
beforeEach(() => {
  dir = join(base, String(count++), '.local');
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('a new one is accessible only to its owner', () => {
  expect(makePrivateFolder(dir)).toEqual([]);
  expect(modeOf(dir)).toBe(0o700);
  expect(makePrivateFolder(dir)).toEqual([]);
});

test('one that an earlier run left open is made private, and named', () => {
  mkdirSync(join(dir, 'storage'), { recursive: true });
  writeFileSync(join(dir, 'endpoints.json'), '{}');
  chmodSync(dir, 0o755);
  expect(makePrivateFolder(dir)).toEqual([dir]);
  expect(modeOf(dir)).toBe(0o700);
});

test('a folder with other content stays open, and our entries in it are made private', () => {
  mkdirSync(join(dir, 'storage'), { recursive: true });
  mkdirSync(join(dir, 'family photos'));
  for (const one of [dir, join(dir, 'storage'), join(dir, 'family photos')]) chmodSync(one, 0o755);
  expect(makePrivateFolder(dir)).toEqual([join(dir, 'storage')]);
  expect([modeOf(dir), modeOf(join(dir, 'storage')), modeOf(join(dir, 'family photos'))]).toEqual([
    0o755, 0o700, 0o755,
  ]);
});

test('an invalid place is reported in one line', () => {
  mkdirSync(join(dir, '..'), { recursive: true });
  writeFileSync(dir, '');
  expect(() => makePrivateFolder(dir)).toThrow(/\.local cannot be used: a file of that name already exists/);
  expect(() => makePrivateFolder(join(dir, 'x'))).toThrow(
    / cannot be used: a part of the path is a file, not a folder/,
  );
});

import { describe, expect, test } from 'vitest';
import { FileRegister } from '../../../shared/delta/unique/file-register.ts';
import { fingerprintsOf } from '../../../shared/delta/unique/id-fingerprint.ts';
import { IdIndex } from '../../../shared/delta/unique/id-index.ts';
import { decodeIndex, encodeIndex } from '../../../shared/delta/unique/id-index-file.ts';
import { idOf } from '../../helpers/delta.ts';

function indexOf(names: readonly string[], file: number, index = new IdIndex()): IdIndex {
  index.add(fingerprintsOf(names.map(idOf)), file);
  return index;
}

function find(index: IdIndex, name: string): number[] {
  const [high, low] = fingerprintsOf([idOf(name)]);
  return index.find(high as number, low as number);
}

describe('fingerprints', () => {
  test('a hex digest is represented by its first 64 bits', () => {
    expect([...fingerprintsOf([`0123456789abcdef${'0'.repeat(48)}`])]).toEqual([0x01234567, 0x89abcdef]);
  });

  test('any other id is hashed: SHA-256 of "abc" begins with ba7816bf8f01cfea', () => {
    expect([...fingerprintsOf(['abc'])]).toEqual([0xba7816bf, 0x8f01cfea]);
  });
});

describe('index of ids', () => {
  test('a hundred thousand ids: none is missed, unknown ids are not found, at most ten bytes per id', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `n${i}`);
    const index = indexOf(names, 3);
    expect(names.every((name) => find(index, name).includes(3))).toBe(true);
    expect(Array.from({ length: 10_000 }, (_, i) => find(index, `other${i}`)).flat()).toEqual([]);
    expect(index.bytes / names.length).toBeLessThan(10.5);
  });

  test('an id in two files has both', () => {
    const index = indexOf(['a'], 1);
    expect(find(indexOf(['a'], 2, index), 'a')).toEqual([1, 2]);
  });

  test('a fingerprint of zeros is found only after it was added', () => {
    const index = indexOf(['a', 'b'], 1);
    expect(index.find(0, 0)).toEqual([]);
    index.add(new Uint32Array([0, 0]), 9);
    expect(index.find(0, 0)).toEqual([9]);
  });
});

describe('register of files', () => {
  test('rows of compacted files are where the last rewrite put them', () => {
    const register = new FileRegister();
    const [a, b] = [register.numberOf('a'), register.numberOf('b')];
    register.move(['a', 'b'], ['c']);
    register.move(['c'], ['d', 'e']);
    expect(register.resolve(a)).toEqual(['d', 'e']);
    expect(register.resolve(b)).toEqual(['d', 'e']);
    expect(register.keepsAllRows(a)).toBe(true);
    register.remove('e');
    expect(register.resolve(a)).toEqual(['d']);
    expect(register.keepsAllRows(a)).toBe(false);
  });

  test('a file that is removed and added again counts as new and is read again', () => {
    const register = new FileRegister();
    const first = register.numberOf('a');
    register.remove('a');
    expect(register.has('a')).toBe(false);
    expect(register.resolve(first)).toEqual([]);
    expect(register.numberOf('a')).not.toBe(first);
  });
});

describe('saved index', () => {
  const register = new FileRegister();
  const index = indexOf(['a', 'b'], register.numberOf('f1'));
  indexOf(['c'], register.numberOf('f2'), index);
  indexOf(['gone'], register.numberOf('f3'), index);
  register.move(['f1'], ['g1', 'g2']);
  register.remove('f3');
  const body = encodeIndex('id', 'table-1', { version: 7, index, register });

  test('restores its ids and their files, without removed ones', () => {
    const saved = decodeIndex(body, 'id', 'table-1');
    expect(saved?.version).toBe(7);
    expect(saved?.index.size).toBe(3);
    const filesOf = (name: string) =>
      find(saved?.index as IdIndex, name).flatMap((file) => saved?.register.resolve(file) ?? []);
    expect([filesOf('a'), filesOf('b'), filesOf('c'), filesOf('gone')]).toEqual([
      ['g1', 'g2'],
      ['g1', 'g2'],
      ['f2'],
      [],
    ]);
  });

  test('is not used for another table or column, nor if it is damaged', () => {
    expect(decodeIndex(body, 'id', 'table-2')).toBeUndefined();
    expect(decodeIndex(body, 'other', 'table-1')).toBeUndefined();
    expect(decodeIndex(body.slice(0, -4), 'id', 'table-1')).toBeUndefined();
    const flipped = body.slice();
    flipped[flipped.length - 9] = (flipped[flipped.length - 9] ?? 0) ^ 1;
    expect(decodeIndex(flipped, 'id', 'table-1')).toBeUndefined();
    expect(decodeIndex(new Uint8Array(3), 'id', 'table-1')).toBeUndefined();
    expect(decodeIndex(new Uint8Array(0), 'id', 'table-1')).toBeUndefined();
  });
});

import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Catalog, openCatalog } from '../../../local/gcs/catalog.ts';

let dir: string;
let orphans: string[];
let deleted: string[];
let stuck: boolean;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gcs-catalog-'));
  orphans = [];
  deleted = [];
  stuck = false;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (): Catalog =>
  openCatalog({
    dir,
    now: () => 1_000,
    events: true,
    onOrphan: (body) => orphans.push(body),
    onFinalized: () => undefined,
    onDeleted: ({ name, generation }) => {
      if (stuck) throw new Error('disk full');
      deleted.push(`${name} ${generation}`);
    },
  });
const object = (name: string, body = `body of ${name}`) => ({
  bucket: 'raw',
  name,
  size: 1,
  crc32c: '',
  body,
  storageClass: 'STANDARD',
  settings: {},
});

describe('the catalog', () => {
  it('is the same after it is closed and reopened', () => {
    const first = open();
    first.createBucket('raw', { location: 'EU' });
    first.commit(object('b'));
    const a = first.commit(object('a'));
    first.update(a, { contentType: 'text/plain' });
    first.remove(first.commit(object('gone')));
    first.ack(first.commit(object('taken')).generation);
    first.close();

    const second = open();
    expect(second.bucket('raw').names).toEqual(['a', 'b', 'taken']);
    expect(second.find('raw', 'a')).toMatchObject({
      metageneration: '2',
      settings: { contentType: 'text/plain' },
    });
    expect(second.pending().map(({ name }) => name)).toEqual(['b', 'a', 'gone']);
    expect(second.bodies()).toEqual(new Set(['body of a', 'body of b', 'body of taken']));
    second.close();
  });

  it('generations rise while the clock stands still, and across a restart and a rewritten journal', () => {
    const first = open();
    first.createBucket('raw', {});
    const generations = [first.commit(object('a')), first.commit(object('a'))];
    first.remove(generations[1]!);
    first.close();
    for (let restart = 0; restart < 3; restart++) {
      const again = open();
      generations.push(again.commit(object('a')));
      again.close();
    }
    const numbers = generations.map(({ generation }) => BigInt(generation));
    expect(numbers.every((one, at) => at === 0 || one > numbers[at - 1]!)).toBe(true);
  });

  it('a last line torn in half is dropped, and the next one starts clean', () => {
    const first = open();
    first.createBucket('raw', {});
    first.commit(object('whole'));
    first.close();
    appendFileSync(join(dir, 'journal.ndjson'), '{"object":{"bucket":"raw","name":"torn"');
    const second = open();
    expect(second.bucket('raw').names).toEqual(['whole']);
    second.commit(object('next'));
    second.close();
    const third = open();
    expect(third.bucket('raw').names).toEqual(['next', 'whole']);
    third.close();
  });

  it('an object and its event are one line', () => {
    const catalog = open();
    catalog.createBucket('raw', {});
    const before = readFileSync(join(dir, 'journal.ndjson'), 'utf8').split('\n').length;
    catalog.commit(object('a'));
    const lines = readFileSync(join(dir, 'journal.ndjson'), 'utf8').split('\n');
    expect(lines).toHaveLength(before + 1);
    expect(JSON.parse(lines.at(-2)!)).toMatchObject({ object: { name: 'a' }, finalized: true });
    catalog.close();
  });

  it('a body that is no longer in use is released once', () => {
    const catalog = open();
    catalog.createBucket('raw', {});
    catalog.commit(object('a', 'first'));
    catalog.remove(catalog.commit(object('a', 'second')));
    expect(orphans).toEqual(['first', 'second']);
    catalog.close();
  });

  it('the journal is rewritten before it outgrows its content', () => {
    const catalog = open();
    catalog.createBucket('raw', {});
    for (let write = 0; write < 30_000; write++) {
      catalog.ack(catalog.commit(object('same name')).generation);
    }
    expect(statSync(join(dir, 'journal.ndjson')).size).toBeLessThan(6_000_000);
    expect(catalog.bucket('raw').names).toEqual(['same name']);
    catalog.close();
    const again = open();
    expect(again.bucket('raw').names).toEqual(['same name']);
    expect(again.pending()).toEqual([]);
    again.close();
  });
});

it('announces each generation that is deleted or replaced, and keeps what could not be announced', () => {
  const catalog = open();
  catalog.createBucket('raw', {});
  const first = catalog.commit(object('a'));
  expect(deleted).toEqual([]);
  const second = catalog.commit(object('a'));
  expect(deleted).toEqual([`a ${first.generation}`]);
  stuck = true;
  expect(() => catalog.remove(second)).toThrow('disk full');
  expect(() => catalog.commit(object('a'))).toThrow('disk full');
  expect(catalog.find('raw', 'a')).toEqual(second);
  stuck = false;
  catalog.remove(second);
  expect(deleted).toEqual([`a ${first.generation}`, `a ${second.generation}`]);
  expect(catalog.find('raw', 'a')).toBeUndefined();
  catalog.close();
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ObjectFacts, ObjectStore, Storage } from '../../shared/storage/object-store.ts';

/** Known deviations of a backend from Cloud Storage: test name → why. Such a test must fail. */
export type Deviations = Readonly<Record<string, string>>;

export interface Backend {
  storage: Storage;
  /** Name of an existing bucket. */
  bucket: string;
}

const text = (value: string): Uint8Array => Buffer.from(value);
const read = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

async function collect(list: AsyncIterable<ObjectFacts>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of list) names.push(name);
  return names;
}

/** Every promise of `ObjectStore`, tested on one backend. Names are fresh in every run, so a bucket can be shared. */
export function objectStoreContract(
  label: string,
  open: () => Promise<Backend>,
  deviations: Deviations = {},
): void {
  describe(`object store: ${label}`, () => {
    let store: ObjectStore;
    let storage: Storage;
    const folder = `contract-${randomUUID()}/`;
    let count = 0;
    const fresh = (): string => `${folder}${count++}`;
    const put = async (name: string, body: string): Promise<ObjectFacts> => {
      const outcome = await store.putIfAbsent(name, text(body));
      if (outcome.kind !== 'written') throw new Error(`${name} was there already`);
      return outcome.facts;
    };
    /** A deviation is expected to fail, so that one that is fixed shows up. */
    const test = (name: string, run: () => Promise<void>): void => {
      const reason = deviations[name];
      if (reason === undefined) it(name, run);
      else it.fails(`${name} (known deviation: ${reason})`, run);
    };

    beforeAll(async () => {
      const backend = await open();
      storage = backend.storage;
      store = storage.bucket(backend.bucket);
    });

    test('a new object has metadata, and reads back the same', async () => {
      const name = fresh();
      const before = Date.now();
      const outcome = await store.putIfAbsent(name, text('123456789'), {
        contentType: 'text/plain',
        metadata: { moment: 'a dog', 'max-moments': '3', ask: '{{projectId}} "é" 😀' },
      });
      expect(outcome.kind).toBe('written');
      const stored = await store.get(name);
      expect(read(stored?.body)).toBe('123456789');
      expect(stored?.facts).toMatchObject({
        name,
        metageneration: '1',
        size: 9,
        contentType: 'text/plain',
        crc32c: '4waSgw==',
        metadata: { moment: 'a dog', 'max-moments': '3', ask: '{{projectId}} "é" 😀' },
      });
      expect(stored?.facts.generation).toMatch(/^[1-9]\d*$/);
      expect(Math.abs(stored!.facts.updated.getTime() - before)).toBeLessThan(120_000);
      expect(outcome).toEqual({ kind: 'written', facts: stored?.facts });
      expect(await store.stat(name)).toEqual(stored?.facts);
    });

    test('custom metadata holds what was put, and nothing else', async () => {
      const bare = await put(fresh(), 'x');
      expect(bare.metadata).toEqual({});
      expect((await store.stat(bare.name))?.metadata).toEqual({});
      for await (const facts of store.list({ prefix: bare.name })) expect(facts.metadata).toEqual({});
    });

    test('a read that leaves out custom metadata has the same body and generation', async () => {
      const facts = await put(fresh(), 'body');
      const stored = await store.get(facts.name, { withoutMetadata: true });
      expect(read(stored?.body)).toBe('body');
      expect(stored?.facts).toMatchObject({
        name: facts.name,
        generation: facts.generation,
        size: 4,
        crc32c: facts.crc32c,
      });
    });

    test('a missing object reads as undefined, and its delete returns false', async () => {
      const name = fresh();
      expect(await store.stat(name)).toBeUndefined();
      expect(await store.get(name)).toBeUndefined();
      expect(await store.getRange(name, 0, 1)).toBeUndefined();
      expect(await store.getRange(name, 0, 0)).toBeUndefined();
      expect(await store.delete(name)).toBe(false);
    });

    test('an empty object can be stored', async () => {
      const name = fresh();
      await store.putIfAbsent(name, new Uint8Array(0));
      const stored = await store.get(name);
      expect(stored?.facts).toMatchObject({ size: 0, crc32c: 'AAAAAA==' });
      expect(stored?.body).toHaveLength(0);
      expect(await store.getRange(name, 0, 10)).toHaveLength(0);
    });

    test('the second put of a name finds the object and changes nothing', async () => {
      const first = await put(fresh(), 'one');
      expect(await store.putIfAbsent(first.name, text('two'))).toEqual({ kind: 'exists' });
      const stored = await store.get(first.name);
      expect(read(stored?.body)).toBe('one');
      expect(stored?.facts.generation).toBe(first.generation);
    });

    test('a second put and a late replacement too large for a socket buffer are still answered', async () => {
      const first = await put(fresh(), 'one');
      const large = new Uint8Array(3_000_000);
      expect(await store.putIfAbsent(first.name, large)).toEqual({ kind: 'exists' });
      expect(await store.replaceIf(first.name, '1', large)).toEqual({ kind: 'changed' });
      expect(read((await store.get(first.name))?.body)).toBe('one');
    });

    test('ten writers race to put one name: one wins, and its body stays', async () => {
      const name = fresh();
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, writer) => store.putIfAbsent(name, text(`writer ${writer}`))),
      );
      const winners = outcomes.flatMap(({ kind }, writer) => (kind === 'written' ? [writer] : []));
      expect(winners).toHaveLength(1);
      expect(read((await store.get(name))?.body)).toBe(`writer ${winners[0]}`);
    });

    test('a replacement raises the generation and drops the old metadata', async () => {
      const name = fresh();
      const first = await store.putIfAbsent(name, text('one'), { metadata: { old: 'yes' } });
      if (first.kind !== 'written') throw new Error('not written');
      const second = await store.replaceIf(name, first.facts.generation, text('two'), {
        contentType: 'text/css',
      });
      if (second.kind !== 'written') throw new Error('not replaced');
      expect(BigInt(second.facts.generation)).toBeGreaterThan(BigInt(first.facts.generation));
      const stored = await store.get(name);
      expect(read(stored?.body)).toBe('two');
      expect(stored?.facts).toMatchObject({ metadata: {}, contentType: 'text/css', metageneration: '1' });
    });

    test('a replacement of an older generation, or of a missing object, changes nothing', async () => {
      const first = await put(fresh(), 'one');
      await store.replaceIf(first.name, first.generation, text('two'));
      expect(await store.replaceIf(first.name, first.generation, text('three'))).toEqual({ kind: 'changed' });
      expect(read((await store.get(first.name))?.body)).toBe('two');
      const gone = fresh();
      expect(await store.replaceIf(gone, first.generation, text('x'))).toEqual({ kind: 'changed' });
      expect(await store.stat(gone)).toBeUndefined();
    });

    test('ten writers race to replace one generation: one wins', async () => {
      const first = await put(fresh(), 'start');
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, writer) =>
          store.replaceIf(first.name, first.generation, text(`writer ${writer}`)),
        ),
      );
      const winners = outcomes.flatMap(({ kind }, writer) => (kind === 'written' ? [writer] : []));
      expect(winners).toHaveLength(1);
      expect(read((await store.get(first.name))?.body)).toBe(`writer ${winners[0]}`);
    });

    test('a read of a generation finds only that one', async () => {
      const first = await put(fresh(), 'one');
      const { name, generation } = first;
      expect(read((await store.get(name, { generation }))?.body)).toBe('one');
      await store.replaceIf(name, generation, text('two'));
      expect(await store.get(name, { generation })).toBeUndefined();
      expect(await store.stat(name, { generation })).toBeUndefined();
      expect(await store.getRange(name, 0, 2, { generation })).toBeUndefined();
    });

    test('ranges: inside, across the end, at the end, past it, and empty', async () => {
      const { name, generation } = await put(fresh(), '0123456789');
      expect(read(await store.getRange(name, 0, 4))).toBe('0123');
      expect(read(await store.getRange(name, 3, 4, { generation }))).toBe('3456');
      expect(read(await store.getRange(name, 0, 10))).toBe('0123456789');
      expect(read(await store.getRange(name, 0, 1_000_000))).toBe('0123456789');
      expect(read(await store.getRange(name, 8, 100))).toBe('89');
      expect(await store.getRange(name, 10, 5)).toHaveLength(0);
      expect(await store.getRange(name, 1_000_000, 5)).toHaveLength(0);
      expect(await store.getRange(name, 4, 0)).toHaveLength(0);
    });

    test('an invalid range is an error', async () => {
      const { name } = await put(fresh(), 'x');
      for (const [offset, length] of [
        [-1, 1],
        [0, -1],
        [0.5, 1],
        [0, Number.NaN],
      ] as const) {
        await expect(store.getRange(name, offset, length)).rejects.toMatchObject({ code: 'internal' });
      }
    });

    test('a delete of a generation removes only that one', async () => {
      const first = await put(fresh(), 'one');
      const { name, generation } = first;
      await store.replaceIf(name, generation, text('two'));
      expect(await store.delete(name, { generation })).toBe(false);
      expect(read((await store.get(name))?.body)).toBe('two');
      expect(await store.delete(name)).toBe(true);
      expect(await store.delete(name)).toBe(false);
      expect(await store.get(name)).toBeUndefined();
    });

    test('a name put again after its delete has a higher generation', async () => {
      const first = await put(fresh(), 'one');
      await store.delete(first.name, { generation: first.generation });
      const second = await put(first.name, 'two');
      expect(BigInt(second.generation)).toBeGreaterThan(BigInt(first.generation));
    });

    test('names of every kind are kept apart and read back unchanged', async () => {
      const names = [
        'plain.txt',
        'folder/a/b',
        'folder//double',
        'trailing/',
        'a b+c&d=e?f#g',
        '100%',
        '%2F',
        '%252F',
        'a\\b"c\'d',
        '../../etc/passwd',
        'x/../y',
        './z',
        'tab\there',
        'größe-日本語-😀.mp4',
        'e\u0301',
        '\u00e9',
        ':colon',
        '*[glob]?',
        '~$@!(),;',
        'o/compose',
        '<html>&amp;',
        '{{projectId}}',
        '{"a": {{',
      ].map((name) => `${folder}names/${name}`);
      for (const name of names) await put(name, name);
      for (const name of names) {
        expect(read((await store.get(name))?.body), name).toBe(name);
        expect((await store.stat(name))?.name).toBe(name);
      }
      const listed = await collect(store.list({ prefix: `${folder}names/` }));
      expect(listed.toSorted()).toEqual(names.toSorted());
      for (const name of names) expect(await store.delete(name), name).toBe(true);
    });

    test('a name of 1,024 bytes is accepted; one of 1,025 is refused', async () => {
      const longest = `${folder}${'é'.repeat(512)}`.slice(
        0,
        folder.length + Math.floor((1024 - folder.length) / 2),
      );
      const filled = longest + 'x'.repeat(1024 - Buffer.byteLength(longest));
      await put(filled, 'long');
      expect(read((await store.get(filled))?.body)).toBe('long');
      await expect(store.putIfAbsent(`${filled}x`, text(''))).rejects.toMatchObject({ code: 'internal' });
    });

    test('names that Cloud Storage forbids are refused before any request', async () => {
      for (const name of ['', '.', '..', 'a\nb', 'a\rb', '.well-known/acme-challenge/x', '\ud800']) {
        await expect(store.putIfAbsent(name, text('')), JSON.stringify(name)).rejects.toMatchObject({
          code: 'internal',
        });
        await expect(store.get(name)).rejects.toMatchObject({ code: 'internal' });
      }
    });

    test('a listing is in UTF-8 byte order, from its start, within its prefix', async () => {
      const at = `${folder}list/`;
      const inOrder = ['a', 'a/b', 'a0', 'b', 'z', '\u00e9', '\uffee', '😀'].map((name) => at + name);
      for (const name of inOrder.toReversed()) await put(name, 'x');
      await put(`${folder}list0`, 'outside');
      expect(await collect(store.list({ prefix: at }))).toEqual(inOrder);
      expect(await collect(store.list({ prefix: at, startOffset: `${at}a0` }))).toEqual(inOrder.slice(2));
      expect(await collect(store.list({ prefix: at, startOffset: `${at}a1` }))).toEqual(inOrder.slice(3));
      expect(await collect(store.list({ prefix: `${at}a` }))).toEqual(inOrder.slice(0, 3));
      expect(await collect(store.list({ prefix: `${at}none` }))).toEqual([]);
    });

    test('a listing carries metadata', async () => {
      const name = fresh();
      await store.putIfAbsent(name, text('x'), { metadata: { a: 'b' } });
      for await (const facts of store.list({ prefix: name })) expect(facts).toEqual(await store.stat(name));
    });

    test('bytes of every value, over a megabyte, read back whole and in parts', async () => {
      const body = Uint8Array.from({ length: 1_500_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);
      const name = fresh();
      await store.putIfAbsent(name, body);
      const stored = await store.get(name);
      expect(Buffer.compare(stored!.body, body)).toBe(0);
      const part = await store.getRange(name, 700_001, 300_000);
      expect(Buffer.compare(part!, body.subarray(700_001, 1_000_001))).toBe(0);
    });

    test('bodies passed in and out belong to the caller', async () => {
      const name = fresh();
      const mine = Buffer.from('before');
      await store.putIfAbsent(name, mine);
      mine.fill('x');
      const stored = await store.get(name);
      stored!.body.fill(0);
      expect(read((await store.get(name))?.body)).toBe('before');
    });

    test('a signal already aborted stops every operation with its reason', async () => {
      const { name, generation } = await put(fresh(), 'x');
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      await expect(store.stat(name, { signal })).rejects.toBe(reason);
      await expect(store.get(name, { signal })).rejects.toBe(reason);
      await expect(store.getRange(name, 0, 1, { signal })).rejects.toBe(reason);
      await expect(store.putIfAbsent(fresh(), text(''), { signal })).rejects.toBe(reason);
      await expect(store.replaceIf(name, generation, text(''), { signal })).rejects.toBe(reason);
      await expect(store.delete(name, { signal })).rejects.toBe(reason);
      await expect(collect(store.list({ signal }))).rejects.toBe(reason);
      expect(read((await store.get(name))?.body)).toBe('x');
    });
  });
}

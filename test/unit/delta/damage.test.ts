import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { describe, expect, test } from 'vitest';
import { type Column, collectRows, DeltaTable } from '../../../shared/delta/index.ts';
import { unpackSnappy } from '../../../shared/delta/parquet/snappy.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { memoryBucket } from '../../helpers/delta.ts';
import { FULL } from '../../helpers/full-form.ts';
import { randomFrom } from '../../helpers/random.ts';

const ROWS = 300;
const COLUMNS: Column[] = [
  { name: 'id', type: 'string', nullable: false },
  { name: 'full', type: 'long' },
  { name: 'sparse', type: 'string' },
  { name: 'few', type: 'string' },
  { name: 'flag', type: 'boolean' },
];

/** Creates a table of one file; returns it and that file's object. */
async function tableOf(codec: string) {
  const bucket = memoryBucket();
  const configuration = { 'delta.parquet.compression.codec': codec };
  const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS, configuration });
  await table.append(
    Array.from({ length: ROWS }, (_, i) => ({
      id: `id${i}`,
      full: BigInt(i),
      sparse: i % 3 ? `text ${i}` : null,
      few: `kind ${i % 7}`,
      flag: i % 5 ? i % 2 === 0 : null,
    })),
  );
  const [path] = (await table.snapshot()).files.keys();
  const name = `events/${path}`;
  const intact = new Uint8Array((await bucket.get(name))?.body ?? []);
  return { bucket, table, name, intact };
}

async function replace(bucket: ObjectStore, name: string, body: Uint8Array) {
  await bucket.delete(name);
  await bucket.putIfAbsent(name, body);
}

describe('a damaged page', () => {
  test.each(['zstd', 'snappy', 'gzip', 'uncompressed'])(
    '%s: a few bytes changed anywhere give rows or a corrupt-table, soon',
    async (codec) => {
      const { bucket, table, name, intact } = await tableOf(codec);
      const next = randomFrom(67);
      const random = (below: number) => Math.floor(next() * below);
      for (let run = 0; run < (FULL ? 200 : 60); run++) {
        const changed = new Uint8Array(intact);
        for (let count = 1 + random(3); count > 0; count--) changed[random(changed.length)] = random(256);
        await replace(bucket, name, changed);
        const outcome = await collectRows(table.scan()).catch((error: unknown) => error);
        if (!Array.isArray(outcome)) expect(outcome).toMatchObject({ code: 'corrupt-table' });
      }
    },
    60_000,
  );

  test('a run that is longer than the page is not followed', async () => {
    const { bucket, table, name, intact } = await tableOf('uncompressed');
    // three hundred values that are not null: a run of 300 (twice that, as a varint) of level 1
    const at = Buffer.from(intact).indexOf(Buffer.from([0xd8, 0x04, 0x01]));
    expect(at).toBeGreaterThan(0);
    const changed = new Uint8Array(intact);
    changed.set([0xd8, 0xff, 0x01], at);
    await replace(bucket, name, changed);
    await expect(collectRows(table.scan())).rejects.toMatchObject({
      code: 'corrupt-table',
      message: expect.stringContaining('values of a run must be 0 to 300, got'),
    });
  });
});

describe('Snappy', () => {
  test.each([
    ['nothing', ''],
    ['a few bytes', 'abc'],
    ['a run', 'a'.repeat(1_000)],
    ['text', 'the dog catches the ball, '.repeat(3_000)],
    ['what does not repeat', Array.from({ length: 70_000 }, (_, i) => (i * 7_919) % 9_973).join('')],
  ])('%s survives a round trip', (_name, text) => {
    const bytes = Buffer.from(text);
    const packed = snappyCompress(bytes);
    expect(Buffer.from(unpackSnappy(packed, bytes.length)).equals(bytes)).toBe(true);
  });

  test('output of other compressors: copies with offsets of one, two and four bytes, long literals', () => {
    const literal = Buffer.from('abcd');
    const packed = [18, 0x0c, ...literal, 0x01, 4, 0x0e, 4, 0, 0x0f, 8, 0, 0, 0, 0xf0, 1, 0x78, 0x79];
    expect(Buffer.from(unpackSnappy(Uint8Array.from(packed), 18)).toString()).toBe('abcdabcdabcdabcdxy');
  });

  test.each([
    ['a literal of 2^32 bytes', [4, 0xfc, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]],
    ['a copy from before the start', [4, 0x00, 1, 0x01, 9]],
    ['a copy from before the start', [4, 0x00, 1, 0x01, 0]],
    ['too few bytes', [4, 0x04, 1, 2]],
    ['too many', [4, 0x10, 1, 2, 3, 4, 5]],
    ['an end within a length', [4, 0xfc, 0xff]],
    ['nothing at all', []],
  ])('%s is refused', (_name, packed) => {
    expect(() => unpackSnappy(Uint8Array.from(packed), 4)).toThrow(RangeError);
  });
});

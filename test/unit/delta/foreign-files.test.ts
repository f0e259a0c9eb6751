import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { collectRows, DeltaTable, eraseRows, UniqueAppender } from '../../../shared/delta/index.ts';
import { stringifyJson } from '../../../shared/delta/json.ts';
import { decimalText } from '../../../shared/delta/parquet/decimals.ts';
import { compareStored } from '../../../shared/delta/parquet/filter.ts';
import { unpackLz4 } from '../../../shared/delta/parquet/lz4.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import { idOf, idsIn, memoryBucket, newTable, rowsOf } from '../../helpers/delta.ts';

/** Writes another engine's commit. */
async function commit(store: ObjectStore, version: number, ...actions: object[]): Promise<void> {
  const body = actions.map((action) => `${stringifyJson(action as never)}\n`).join('');
  await store.putIfAbsent(`events/_delta_log/${String(version).padStart(20, '0')}.json`, Buffer.from(body));
}

/** Adds nullable columns of types that we do not write, as an analyst would. */
async function withForeignColumns(bucket: ObjectStore, table: DeltaTable): Promise<void> {
  const { metadata, version } = await table.snapshot();
  const schema = JSON.parse(metadata.schemaString) as { fields: object[] };
  schema.fields.push(
    { name: 'price', type: 'decimal(20,2)', nullable: true, metadata: {} },
    {
      name: 'place',
      type: { type: 'struct', fields: [{ name: 'x', type: 'long', nullable: true, metadata: {} }] },
      nullable: true,
      metadata: {},
    },
  );
  await commit(bucket, version + 1, { metaData: { ...metadata, schemaString: JSON.stringify(schema) } });
}

/** Adds a file with a decimal column. */
async function addForeignFile(bucket: ObjectStore, version: number): Promise<void> {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: 'root', num_children: 2 },
      { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      {
        name: 'price',
        type: 'INT64',
        repetition_type: 'OPTIONAL',
        converted_type: 'DECIMAL',
        scale: 2,
        precision: 18,
      },
    ],
  });
  const group = (ids: string[], data: bigint[]): void => {
    parquet.write({
      columnData: [
        { name: 'id', data: ids },
        { name: 'price', data: data as never },
      ],
      rowGroupSize: 10,
    });
  };
  group([idOf('f0')], [1_234_567_890_123_456_789n]);

  group([idOf('f1')], [-5n]);

  parquet.finish();
  const body = writer.getBytes();
  await bucket.putIfAbsent('events/foreign.parquet', body);
  const add = {
    path: 'foreign.parquet',
    partitionValues: {},
    size: body.length,
    modificationTime: 1,
    dataChange: true,
  };
  await commit(bucket, version, { add });
}

describe('columns that an analyst added', () => {
  test('ingest leaves them null, queries read decimals exactly, compaction skips their files and reports that', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    for (let i = 0; i < 4; i++) await table.append(rowsOf(`a${i}-`, 5));
    const before = await UniqueAppender.open(table.location, { idColumn: 'id', maxAgeMs: 0 });
    await withForeignColumns(bucket, table);
    await addForeignFile(bucket, 6);

    expect((await before.submit({ id: idOf('new') })).kind).toBe('added');
    expect((await before.submit({ id: idOf('f1') })).kind).toBe('duplicate');
    await expect(before.submit({ id: idOf('no'), price: 1 })).rejects.toMatchObject({
      code: 'schema-mismatch',
    });
    await before.close();

    const prices = await collectRows(
      table.scan({ columns: ['price'], filter: { id: { in: ['f0', 'f1', 'new'].map(idOf) } } }),
    );
    expect(prices.map(({ price }) => price).sort()).toEqual(['-0.05', '12345678901234567.89', null]);

    const compacted = await table.compact({ idColumn: 'id', minFiles: 2 });
    expect(compacted).toMatchObject({ leftOut: ['foreign.parquet'], isComplete: true });
    expect(compacted.rewrites).toBeGreaterThan(0);
    expect((await table.snapshot()).files.has('foreign.parquet')).toBe(true);
    await table.checkpoint();
    expect(await idsIn(bucket)).toHaveLength(23);
    expect(await collectRows(table.scan({ columns: ['price'], filter: { id: { eq: idOf('f0') } } }))).toEqual(
      [{ price: '12345678901234567.89' }],
    );
    await expect(eraseRows(table, { id: { eq: idOf('f0') } }, { reason: 'r' })).rejects.toThrow(
      /foreign\.parquet has column price of type "decimal\(20,2\)"/,
    );
  });

  test('a non-nullable one is refused by name', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const { metadata } = await table.snapshot();
    const schema = JSON.parse(metadata.schemaString) as { fields: object[] };
    schema.fields.push({ name: 'price', type: 'decimal(9,2)', nullable: false, metadata: {} });
    await commit(bucket, 1, { metaData: { ...metadata, schemaString: JSON.stringify(schema) } });
    const reopened = await DeltaTable.open(bucket, 'events');
    await expect(reopened.append(rowsOf('a', 1))).rejects.toThrow(/column price of type "decimal\(9,2\)"/);
  });

  test.each([
    [{ name: '__proto__', type: 'long', nullable: true, metadata: {} }, /__proto__/],
    [
      {
        name: 'm',
        type: {
          type: 'map',
          keyType: { type: 'struct', fields: [] },
          valueType: 'long',
          valueContainsNull: true,
        },
        nullable: true,
        metadata: {},
      },
      /column m, a map with unsupported keys/,
    ],
  ])('a value that no object can represent is refused, not returned wrong: %j', async (field, message) => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const { metadata } = await table.snapshot();
    const schema = JSON.parse(metadata.schemaString) as { fields: object[] };
    schema.fields.push(field);
    await commit(bucket, 1, { metaData: { ...metadata, schemaString: JSON.stringify(schema) } });
    await expect(DeltaTable.open(bucket, 'events')).rejects.toThrow(message);
  });
});

test("decimals in each of Parquet's encodings", () => {
  expect(decimalText(-5, 2)).toBe('-0.05');
  expect(decimalText(9_007_199_254_740_993n, 0)).toBe('9007199254740993');
  expect(decimalText(Uint8Array.of(0xff, 0x00), 1)).toBe('-25.6');
  expect(decimalText(Uint8Array.of(0x01, 0x00, 0, 0, 0, 0, 0, 0, 0), 3)).toBe('18446744073709551.616');
  expect(decimalText(null, 2)).toBeNull();
});

test('NaN equals only itself and is above all numbers; 0 and -0 are equal', () => {
  expect([compareStored(Number.NaN, 5), compareStored(5, Number.NaN)]).toEqual([1, -1]);
  expect([compareStored(Number.NaN, Number.NaN), compareStored(0, -0)]).toEqual([0, 0]);
});

test('doubles: a filter handles NaN, zeros of both signs and infinities, in sorted and unsorted files', async () => {
  const bucket = memoryBucket();
  const table = await DeltaTable.create(bucket, 'numbers', {
    columns: [
      { name: 'id', type: 'string', nullable: false },
      { name: 'd', type: 'double' },
      { name: 'f', type: 'float' },
    ],
  });
  await table.append([
    { id: 'a', d: Number.NaN, f: 0.1 },
    { id: 'b', d: -0, f: -0.1 },
    { id: 'c', d: 0, f: 1 },
    { id: 'd', d: Number.POSITIVE_INFINITY, f: Number.NaN },
  ]);
  const ids = async (filter: object): Promise<string> =>
    (await collectRows(table.scan({ filter: filter as never, columns: ['id'] })))
      .map(({ id }) => id)
      .join('');
  expect(await ids({ d: { eq: 0 } })).toBe('bc');
  expect(await ids({ d: { eq: Number.NaN } })).toBe('a');
  expect(await ids({ d: { gt: 1 } })).toBe('ad');
  expect(await ids({ f: { eq: 0.1 } })).toBe('a');
  expect(await ids({ f: { lt: 0 } })).toBe('b');
});

describe('LZ4', () => {
  // compressed by the lz4 command, without its frame
  const text = 'abcabcabcabcabcabcabcabcabcabc-the end';
  const block = Uint8Array.from([0x3f, 0x61, 0x62, 0x63, 0x03, 0x00, 0x08, 0x80, ...Buffer.from('-the end')]);

  test('a block with an overlapping copy', () => {
    expect(Buffer.from(unpackLz4(block, text.length)).toString()).toBe(text);
  });

  test('a block that is truncated, or longer or shorter than declared, is an error', () => {
    for (let length = 0; length < block.length; length++) {
      expect(() => unpackLz4(block.subarray(0, length), text.length)).toThrow(RangeError);
    }
    expect(() => unpackLz4(block, text.length - 1)).toThrow(RangeError);
    expect(() => unpackLz4(block, text.length + 1)).toThrow(RangeError);
    expect(() => unpackLz4(Uint8Array.of(0x10, 0x61, 0x05, 0x00, 0x00), 5)).toThrow(RangeError);
  });
});

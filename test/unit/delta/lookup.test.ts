import { describe, expect, test } from 'vitest';
import { DeltaTable } from '../../../shared/delta/index.ts';
import { encodeParquet } from '../../../shared/delta/parquet/data-file.ts';
import { ByteSet, findInPage } from '../../../shared/delta/parquet/plain-page.ts';
import { IdLookup } from '../../../shared/delta/unique/id-lookup.ts';
import { COLUMNS, memoryBucket } from '../../helpers/delta.ts';

/** Ids of all lengths and with all starts, some of them prefixes of others. */
const IDS = Array.from({ length: 5_000 }, (_, i) => `${'äb€😀'.repeat(i % 3)}${i * 7919}`).sort();

describe('ids that are not digests', () => {
  test.each(['snappy', 'gzip', 'uncompressed', 'zstd'])(
    'are found in compacted files, page by page (%s)',
    async (codec) => {
      const bucket = memoryBucket();
      const configuration = { 'delta.parquet.compression.codec': codec };
      const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS, configuration });
      for (let i = 0; i < 5; i++) {
        await table.append(IDS.filter((_, index) => index % 5 === i).map((id) => ({ id, note: 'x' })));
      }
      await table.compact({ idColumn: 'id' });
      const { files } = await table.snapshot();
      const lookup = new IdLookup(table.location, 'id');
      const strangers = IDS.slice(0, 500).flatMap((id) => [`${id}0`, id.slice(1), `${id}\u0000`]);
      const sought = [...IDS.slice(0, 2_000), ...strangers.filter((id) => !IDS.includes(id))];
      const candidates = sought.flatMap((id) => [...files].map(([path, add]) => ({ id, path, add })));
      expect([...(await lookup.findLive(candidates))].sort()).toEqual(IDS.slice(0, 2_000).sort());
      const [[path, add] = ['', undefined]] = files;
      if (add) expect((await lookup.idsOf(path, add)).sort()).toEqual([...IDS].sort());
    },
  );
});

test('a page whose lengths point outside it is an error, one in another encoding is left to the library', () => {
  const column = { name: 'id', data: ['a', 'b', 'c'] };
  const schema = [
    { name: 'root', num_children: 1 },
    {
      name: 'id',
      type: 'BYTE_ARRAY' as const,
      converted_type: 'UTF8' as const,
      repetition_type: 'REQUIRED' as const,
    },
  ];
  const page = (encoding: 'PLAIN' | 'DELTA_BYTE_ARRAY'): Uint8Array => {
    const bytes = encodeParquet(schema, [{ ...column, encoding }], { codec: 'uncompressed' });
    return new Uint8Array(bytes.subarray(4));
  };
  const sought = new ByteSet(['b', 'x']);
  const plain = page('PLAIN');
  expect(findInPage(plain.buffer as ArrayBuffer, 'UNCOMPRESSED', sought)).toEqual(['b']);
  expect(findInPage(page('DELTA_BYTE_ARRAY').buffer as ArrayBuffer, 'UNCOMPRESSED', sought)).toBeUndefined();
  // the length of the first value
  const at = Buffer.from(plain).indexOf(Buffer.from([1, 0, 0, 0, 0x61]));
  plain[at + 1] = 0xff;
  expect(() => findInPage(plain.buffer as ArrayBuffer, 'UNCOMPRESSED', sought)).toThrow(RangeError);
});

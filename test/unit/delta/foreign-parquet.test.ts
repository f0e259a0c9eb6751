import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { matchingRowGroups, openParquet, readRows } from '../../../shared/delta/parquet/parquet-file.ts';
import { memoryBucket } from '../../helpers/delta.ts';

/** Files that pyarrow wrote: test/fixtures/parquet/make.py. */
test.each([
  ['lz4-raw', 60, { id: 'id-59', note: 'note 9 note 9 note 9 note 9 note 9 ' }],
  ['large-dictionary', 2, { id: 'b', note: 'v1' }],
  ['empty-row-group', 20, { id: 'id-19', note: 'note 19 note 19 note 19 note 19 note 19 ' }],
  ['decimal', 1, { id: 'a', note: '12345678901234567890.12' }],
])('%s.parquet is read whole', async (name, count, last) => {
  const body = readFileSync(new URL(`../../fixtures/parquet/${name}.parquet`, import.meta.url));
  const store = memoryBucket();
  await store.putIfAbsent(`t/${name}`, body);
  const parquet = await openParquet({ store, path: 't' }, name, body.length);
  const rows: unknown[] = [];
  for (const range of await matchingRowGroups(parquet, [])) {
    rows.push(...(await readRows(parquet, range, ['id', 'note'])));
  }
  expect(rows).toHaveLength(count);
  expect(rows.at(-1)).toEqual(last);
});

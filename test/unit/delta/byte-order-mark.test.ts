import { expect, test } from 'vitest';
import { collectRows, DeltaTable, UniqueAppender } from '../../../shared/delta/index.ts';
import { idsIn, memoryBucket, newTable } from '../../helpers/delta.ts';

/** Decoders drop this character at the beginning of a text unless told otherwise. */
const BOM = '\ufeff';
const ids = Array.from({ length: 600 }, (_, index) => `${index % 5 === 0 ? BOM : ''}id-${index}`);

test('ids and texts that begin with U+FEFF are kept by compaction, found by a query, and once in the table', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  for (let from = 0; from < ids.length; from += 150) {
    await table.append(ids.slice(from, from + 150).map((id) => ({ id, note: `${BOM}${BOM}${id}` })));
  }
  await table.compact({ idColumn: 'id' });
  expect(await idsIn(bucket)).toEqual([...ids].sort());
  const rows = await collectRows(table.scan({ filter: { id: { eq: `${BOM}id-5` } } }));
  expect(rows).toMatchObject([{ id: `${BOM}id-5`, note: `${BOM}${BOM}${BOM}id-5` }]);

  const { location } = await DeltaTable.open(bucket, 'events');
  const writer = await UniqueAppender.open(location, { idColumn: 'id', maxAgeMs: 0 });
  const outcomes = await Promise.all(ids.map((id) => writer.submit({ id })));
  await writer.close();
  expect(outcomes.filter(({ kind }) => kind === 'added')).toEqual([]);
});

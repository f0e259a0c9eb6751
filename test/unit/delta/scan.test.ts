import { describe, expect, test } from 'vitest';
import { collectRows, DeltaTable, type Filter } from '../../../shared/delta/index.ts';
import { idOf, memoryBucket, newTable, rowsOf } from '../../helpers/delta.ts';
import { newCounts, slowStore } from '../../helpers/slow-store.ts';

const NO_WAIT = { put: 0, get: 0, absent: 0 };

async function sample() {
  const table = await newTable();
  await table.append([
    { id: 'a', n: 1, at: new Date(1_000), note: 'x' },
    { id: 'b', n: 2n ** 60n, at: 1_000_001n, note: null },
    { id: 'c', n: null, at: null, note: '\uffff' },
    { id: 'd', n: -5, at: 2_000_000n, note: '😀' },
  ]);
  return table;
}

describe('a filter', () => {
  const cases: [string, Filter, string[]][] = [
    ['equality', { id: { eq: 'b' } }, ['b']],
    ['a list', { id: { in: ['a', 'd', 'zz'] } }, ['a', 'd']],
    ['a range of int64', { n: { gte: 1, lt: 2n ** 60n } }, ['a']],
    ['above everything', { n: { gt: 2n ** 60n } }, []],
    ['a time, to the microsecond', { at: { eq: 1_000_001n } }, ['b']],
    ['a range of time, by Date', { at: { gt: new Date(1_000), lte: new Date(2_000) } }, ['b', 'd']],
    ['the order of UTF-8', { note: { gt: '\uffff' } }, ['d']],
    ['two columns', { n: { gt: 0 }, note: { eq: 'x' } }, ['a']],
    ['an empty list', { id: { in: [] } }, []],
    ['equality and a list', { id: { eq: 'a', in: ['b', 'c'] } }, []],
    ['two lower bounds, the closed one tighter', { n: { gt: -10, gte: 1 } }, ['a', 'b']],
    ['two upper bounds, the open one tighter', { n: { lt: 1, lte: 1 } }, ['d']],
    ['no condition: every value but null', { n: {} }, ['a', 'b', 'd']],
  ];
  test.each(cases)('by %s', async (_, filter, ids) => {
    const rows = await collectRows((await sample()).scan({ filter, columns: ['id'] }));
    expect(rows).toEqual(ids.map((id) => ({ id })));
  });

  test('by an unknown column or an impossible value is refused', async () => {
    const table = await sample();
    for (const filter of [{ nope: { eq: 1 } }, { n: { eq: 'one' } }] as Filter[]) {
      await expect(collectRows(table.scan({ filter }))).rejects.toMatchObject({ code: 'schema-mismatch' });
    }
    await expect(collectRows(table.scan({ columns: ['nope'] }))).rejects.toMatchObject({
      code: 'schema-mismatch',
    });
  });
});

test('values are read back as written: null, int64, microseconds, emoji', async () => {
  expect(await collectRows((await sample()).scan())).toEqual([
    { id: 'a', n: 1n, at: 1_000_000n, note: 'x' },
    { id: 'b', n: 2n ** 60n, at: 1_000_001n, note: null },
    { id: 'c', n: null, at: null, note: '\uffff' },
    { id: 'd', n: -5n, at: 2_000_000n, note: '😀' },
  ]);
});

test('columns added later are null in older rows, and can be filtered by', async () => {
  const table = await sample();
  await table.addColumns([{ name: 'extra', type: 'double' }]);
  await table.append([{ id: 'e', extra: 0.5 }]);
  const rows = await collectRows(table.scan({ columns: ['id', 'extra'] }));
  expect(rows.map(({ extra }) => extra)).toEqual([null, null, null, null, 0.5]);
  expect(await collectRows(table.scan({ filter: { extra: { gte: 0 } }, columns: ['id'] }))).toEqual([
    { id: 'e' },
  ]);
});

test('an id in a compacted table: other files, row groups and columns are not read', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  for (let batch = 0; batch < 8; batch++) await table.append(rowsOf('r', 5_000, batch * 5_000));
  await table.compact({ idColumn: 'id', targetBytes: 600_000 });
  const counts = newCounts();
  const reader = await DeltaTable.open(slowStore(bucket, NO_WAIT, counts), 'events');
  const { files, sizeInBytes } = await reader.snapshot();
  expect(files.size).toBeGreaterThan(2);
  Object.assign(counts, newCounts());
  expect(await collectRows(reader.scan({ filter: { id: { eq: idOf('r777') } } }))).toMatchObject([
    { note: 'row r777' },
  ]);
  // the check for new versions, one footer, one bloom filter and one row group
  expect(counts.gets).toBeLessThanOrEqual(4);
  expect(counts.bytesRead).toBeLessThan(sizeInBytes / 8);
  Object.assign(counts, newCounts());
  expect(await collectRows(reader.scan({ filter: { id: { eq: idOf('nobody') } } }))).toEqual([]);
  expect(counts.bytesRead).toBeLessThan(150_000);
});

test('rows that do not fit are refused as a whole, before anything is written', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  const refused = { code: 'schema-mismatch' };
  await expect(table.append([{ id: 'a' }, { id: 'b', unknown: 1 }])).rejects.toMatchObject(refused);
  await expect(table.append([{ id: 'a' }, { n: 1 }])).rejects.toMatchObject(refused);
  await expect(table.append([{ id: 'a', n: 'one' }])).rejects.toMatchObject(refused);
  const names: string[] = [];
  for await (const { name } of bucket.list()) names.push(name);
  expect(names).toEqual(['events/_delta_log/00000000000000000000.json']);
});

import { describe, expect, test } from 'vitest';
import { collectRows, DeltaTable, UniqueAppender } from '../../../shared/delta/index.ts';
import { COLUMNS, idOf, idsIn, manualClock, memoryBucket, newTable, rowOf } from '../../helpers/delta.ts';

const DAY = 86_400_000;
const LOG = 'events/_delta_log/';

const commit = (version: number) => `${LOG}${String(version).padStart(20, '0')}.json`;

/** A table of three commits, whose log begins at its checkpoint of version 3. */
async function cleanedTable() {
  const clock = manualClock();
  const bucket = memoryBucket(clock.now);
  const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS, clock });
  for (let i = 1; i <= 3; i++) await table.append([rowOf(i)]);
  await table.checkpoint();
  clock.advance(31 * DAY);
  await table.cleanUpLog();
  return { clock, bucket, table };
}

describe('a table that stays open', () => {
  test('another engine turns column mapping on: refused, not read as nulls', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    await table.append([rowOf(1)]);
    const { metadata } = await table.snapshot();
    const configuration = { 'delta.columnMapping.mode': 'name' };
    const actions = [
      { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
      { metaData: { ...metadata, configuration } },
    ];
    await bucket.putIfAbsent(commit(2), Buffer.from(actions.map((one) => JSON.stringify(one)).join('\n')));
    await expect(table.snapshot()).rejects.toMatchObject({ code: 'unsupported-table' });
    await expect(collectRows(table.scan())).rejects.toMatchObject({ code: 'unsupported-table' });
  });

  test('columns are added while others read the table and append to it', async () => {
    const table = await newTable();
    const other = await DeltaTable.open(table.location.store, 'events');
    for (let i = 0; i < 5; i++) await other.append([rowOf(i)]);
    await Promise.all([
      table.snapshot(),
      table.addColumns([{ name: 'later', type: 'string' }]),
      table.snapshot(),
      table.history(),
      table.addColumns([{ name: 'last', type: 'long' }]),
    ]);
    const { fields, version } = await table.snapshot();
    expect(fields.map(({ name }) => name)).toEqual(['id', 'n', 'at', 'note', 'later', 'last']);
    expect(version).toBe(7);
  });

  test('sleeps until its versions are cleaned up: sees the newest one, and appends after it', async () => {
    const clock = manualClock();
    const bucket = memoryBucket(clock.now);
    const sleeper = await DeltaTable.create(bucket, 'events', { columns: COLUMNS, clock });
    const other = await DeltaTable.open(bucket, 'events', { clock });
    for (let i = 1; i <= 3; i++) await other.append([rowOf(i)]);
    await other.checkpoint();
    clock.advance(31 * DAY);
    await other.cleanUpLog();
    expect((await sleeper.snapshot()).version).toBe(3);

    const again = await DeltaTable.open(bucket, 'events', { clock });
    await other.append([rowOf(4)]);
    await other.append([rowOf(5)]);
    await other.checkpoint();
    clock.advance(31 * DAY);
    await other.cleanUpLog();
    expect(await again.append([rowOf('late')])).toEqual({ kind: 'committed', version: 6 });
    expect(await idsIn(bucket)).toContain(idOf('late'));
  });

  test('an appender that slept as long does not bring a deleted version back', async () => {
    const { clock, bucket } = await cleanedTable();
    const sleeper = await UniqueAppender.open(
      { store: bucket, path: 'events' },
      { idColumn: 'id', clock, maxAgeMs: 0 },
    );
    const other = await DeltaTable.open(bucket, 'events', { clock });
    for (let i = 4; i <= 6; i++) await other.append([rowOf(i)]);
    await other.checkpoint();
    clock.advance(31 * DAY);
    await other.cleanUpLog();
    expect(await sleeper.submit(rowOf(5))).toEqual({ kind: 'duplicate', version: 6 });
    expect(await sleeper.submit(rowOf('new'))).toEqual({ kind: 'added', version: 7 });
    await sleeper.close();
    expect(await idsIn(bucket)).toContain(idOf('new'));
  });
});

test('a table whose first version has been cleaned up still exists', async () => {
  const { bucket } = await cleanedTable();
  await expect(DeltaTable.create(bucket, 'events', { columns: COLUMNS })).rejects.toMatchObject({
    code: 'table-exists',
  });
  expect(await bucket.stat(commit(0))).toBeUndefined();
});

test('a column whose metadata has an integer above 2^53 does not prevent adding others', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  const { metadata } = await table.snapshot();
  const schemaString = metadata.schemaString.replace('"metadata":{}', '"metadata":{"seen":9007199254740993}');
  await bucket.putIfAbsent(
    commit(1),
    Buffer.from(JSON.stringify({ metaData: { ...metadata, schemaString } })),
  );
  await table.addColumns([{ name: 'later', type: 'string' }]);
  expect((await table.snapshot()).metadata.schemaString).toContain('{"seen":9007199254740993}');
});

import { expect, test } from 'vitest';
import { DeltaTable, UniqueAppender } from '../../../shared/delta/index.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import {
  COLUMNS,
  idOf,
  idsIn,
  manualClock,
  memoryBucket,
  newTable,
  rowOf,
  until,
} from '../../helpers/delta.ts';
import { slowStore } from '../../helpers/slow-store.ts';

async function deleteAll(store: ObjectStore, isMeant: (name: string) => boolean = () => true): Promise<void> {
  const names: string[] = [];
  for await (const { name } of store.list()) names.push(name);
  for (const name of names) if (isMeant(name)) await store.delete(name);
}

async function appender(bucket: ObjectStore): Promise<UniqueAppender> {
  const { location } = await DeltaTable.open(bucket, 'events');
  return UniqueAppender.open(location, { idColumn: 'id', maxAgeMs: 0 });
}

test('a folder deleted under a running appender: the next row is not acknowledged, and a new table takes it', async () => {
  const bucket = memoryBucket();
  await newTable(bucket);
  const writer = await appender(bucket);
  await writer.submit(rowOf('a'));
  await deleteAll(bucket);
  const refused = expect(writer.submit(rowOf('b'))).rejects;
  await refused.toMatchObject({
    code: 'table-not-found',
    message:
      'version 1 of lake/events is gone from its log: the table was deleted while a writer was running',
  });
  // no orphaned commit is left that would prevent a new table
  await DeltaTable.openOrCreate(bucket, 'events', { columns: COLUMNS });
  expect(await writer.submit(rowOf('b'))).toEqual({ kind: 'added', version: 1 });
  await writer.close();
  expect(await idsIn(bucket)).toEqual([idOf('b')]);
});

test('a deletion that misses the newest commit, because it listed the folder earlier, is noticed, too', async () => {
  const bucket = memoryBucket();
  await newTable(bucket);
  const writer = await appender(bucket);
  await writer.submit(rowOf('a'));
  await writer.submit(rowOf('b'));
  await deleteAll(bucket, (name) => !name.endsWith('2.json'));
  await expect(writer.submit(rowOf('c'))).rejects.toMatchObject({ code: 'table-not-found' });
  await writer.close();
});

test('the same under load, with each commit started before the last one is confirmed', async () => {
  const bucket = memoryBucket();
  await newTable(bucket);
  const writer = await appender(slowStore(bucket, { put: 6, get: 3, absent: 2 }));
  const after: string[] = [];
  let acknowledged = 0;
  let isDeleted = false;
  const senders = Array.from({ length: 400 }, async (_, sender) => {
    for (let n = 0; n < 30; n++) {
      const wasDeleted = isDeleted;
      const outcome = await writer
        .submit({ id: idOf(`${sender}-${n}`) })
        .catch((error) => error.code as string);
      if (typeof outcome !== 'string') acknowledged++;
      if (wasDeleted) after.push(typeof outcome === 'string' ? outcome : outcome.kind);
    }
  });
  await until(() => acknowledged >= 800);
  await deleteAll(bucket);
  isDeleted = true;
  await Promise.all(senders);
  await writer.close();
  // a commit in flight may still have been acknowledged; none that began later may
  expect(after.length).toBeGreaterThan(1_000);
  expect(after.filter((outcome) => outcome === 'added').length).toBeLessThan(after.length / 10);
  expect(
    after.slice(-400).every((outcome) => outcome === 'table-not-found' || outcome === 'corrupt-table'),
  ).toBe(true);
});

test('commits that the log clean-up deleted long ago do not stop the appender', async () => {
  const clock = manualClock();
  const bucket = memoryBucket(clock.now);
  const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS, clock });
  const { location } = table;
  const writer = await UniqueAppender.open(location, { idColumn: 'id', maxAgeMs: 0, clock });
  for (let day = 0; day < 40; day++) {
    expect(await writer.submit(rowOf(`day${day}`))).toMatchObject({ kind: 'added' });
    if (day % 5 === 0) await table.checkpoint();
    clock.advance(86_400_000);
    await table.cleanUpLog();
  }
  await writer.close();
  expect(await idsIn(bucket)).toHaveLength(40);
});

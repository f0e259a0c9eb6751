import { expect, test } from 'vitest';
import { DeltaTable } from '../../../shared/delta/index.ts';
import { COLUMNS, idsIn, manualClock, memoryBucket, rowOf } from '../../helpers/delta.ts';

const DAY = 86_400_000;
const LOG = 'events/_delta_log/';

const padded = (version: number) => String(version).padStart(20, '0');

/** A table with versions 0 to 9 and checkpoints of 3 and 6, all a month old. */
async function oldTable(configuration: Record<string, string> = {}) {
  const clock = manualClock();
  const bucket = memoryBucket(clock.now);
  const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS, configuration, clock });
  for (let i = 1; i < 10; i++) {
    await table.append([rowOf(i)]);
    if (i === 3 || i === 6) await table.checkpoint();
  }
  clock.advance(31 * DAY);
  return { bucket, table };
}

async function damage(bucket: Awaited<ReturnType<typeof oldTable>>['bucket'], version: number) {
  const name = `${LOG}${padded(version)}.checkpoint.parquet`;
  const stored = await bucket.get(name);
  await bucket.replaceIf(name, stored?.facts.generation ?? '', Buffer.from('PAR1 was here PAR1'));
}

test('commits are not deleted for a checkpoint that cannot be read: the one before it counts', async () => {
  const { bucket, table } = await oldTable();
  await damage(bucket, 6);
  expect(await table.cleanUpLog()).toMatchObject({ oldestKept: 3, deleted: 3 });
  expect(await idsIn(bucket)).toHaveLength(9);
});

test('without a readable checkpoint nothing is deleted', async () => {
  const { bucket, table } = await oldTable();
  await damage(bucket, 3);
  await damage(bucket, 6);
  expect(await table.cleanUpLog()).toEqual({ oldestKept: undefined, deleted: 0, isComplete: true });
  expect(await idsIn(bucket)).toHaveLength(9);
});

test('parts numbered beyond their count make no checkpoint', async () => {
  const { bucket, table } = await oldTable();
  await damage(bucket, 3);
  await damage(bucket, 6);
  const whole = await bucket.get(`${LOG}${padded(6)}.checkpoint.parquet`);
  for (const part of [1, 3]) {
    const name = `${LOG}${padded(8)}.checkpoint.${String(part).padStart(10, '0')}.0000000002.parquet`;
    await bucket.putIfAbsent(name, whole?.body ?? new Uint8Array(0));
  }
  expect(await table.cleanUpLog()).toMatchObject({ oldestKept: undefined });
});

test.each([
  ['nothing is said', {}, 7],
  ['two weeks', { 'delta.logRetentionDuration': 'interval 2 weeks' }, 7],
  ['two months of days', { 'delta.logRetentionDuration': 'interval 60 days' }, 0],
  ['what is not understood', { 'delta.logRetentionDuration': 'interval 1 month' }, 0],
  ['the log is to be kept', { 'delta.enableExpiredLogCleanup': 'False' }, 0],
])('a table with the properties: %s', async (_name, configuration, deleted) => {
  const { table } = await oldTable(configuration);
  expect(await table.cleanUpLog()).toMatchObject({ deleted });
});

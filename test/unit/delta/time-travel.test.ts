import { expect, test } from 'vitest';
import { DeltaTable } from '../../../shared/delta/index.ts';
import { versionAt } from '../../../shared/delta/log/time-travel.ts';
import { loadSnapshot } from '../../../shared/delta/snapshot/snapshot.ts';
import { COLUMNS, memoryBucket } from '../../helpers/delta.ts';

/** A table whose commit files have these times, in ms. */
async function tableOf(times: readonly number[]) {
  let now = 0;
  const bucket = memoryBucket(() => now);
  const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS });
  const names = times.map((_, version) => `events/_delta_log/${String(version).padStart(20, '0')}.json`);
  for (let version = 1; version < times.length; version++) await table.append([{ id: `${version}` }]);
  for (const [version, name] of names.entries()) {
    const stored = await bucket.get(name);
    await bucket.delete(name);
    now = times[version] ?? 0;
    await bucket.putIfAbsent(name, stored?.body ?? new Uint8Array(0));
  }
  const { location } = table;
  const { version: newest } = await loadSnapshot(location);
  return (at: number) => versionAt(location, newest, new Date(at));
}

test('ascending times: the last commit at or before', async () => {
  const at = await tableOf([100, 200, 300, 400]);
  expect([await at(100), await at(250), await at(300), await at(9_999)]).toEqual([0, 1, 2, 3]);
  await expect(at(99)).rejects.toMatchObject({ code: 'version-not-found' });
});

test('times in no order: a commit not later than the one before counts as a millisecond later', async () => {
  // counts as 100, 500, 501, 502, 600
  const at = await tableOf([100, 500, 200, 300, 600]);
  expect([await at(250), await at(350), await at(499)]).toEqual([0, 0, 0]);
  expect([await at(500), await at(501), await at(502), await at(599), await at(600)]).toEqual([
    1, 2, 3, 3, 4,
  ]);
});

test('commits of the same millisecond', async () => {
  const at = await tableOf([100, 100, 100, 200]);
  expect([await at(100), await at(101), await at(102), await at(200)]).toEqual([0, 1, 2, 3]);
});

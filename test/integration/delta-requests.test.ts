import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeltaTable, UniqueAppender } from '../../shared/delta/index.ts';
import { writeRecord } from '../../shared/records/record.ts';
import { COLUMNS, rowOf } from '../helpers/delta.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';

let gcs: TestGcs;

beforeAll(async () => {
  gcs = await startTestGcs();
});

afterAll(() => gcs.close());

/** Records requests for objects as `<operation> <last part of the name>`. */
function counted() {
  const requests: string[] = [];
  const storage = gcs.storage({
    onRequest: ({ operation, name }) =>
      requests.push(`${operation} ${name.slice(name.lastIndexOf('/') + 1)}`),
  });
  const store = storage.bucket('bucket');
  return { store, take: () => requests.splice(0).sort() };
}

const commit = (version: number) => `${String(version).padStart(20, '0')}.json`;

test('a commit is read with one request, and so is a missing one', async () => {
  const { store, take } = counted();
  const table = await DeltaTable.create(store, 'plain', { columns: COLUMNS });
  for (let i = 0; i < 3; i++) await table.append([rowOf(i)]);
  take();
  const again = await DeltaTable.open(store, 'plain');
  expect(take()).toEqual(
    ['list ', 'read _last_checkpoint', ...[0, 1, 2, 3].map((version) => `read ${commit(version)}`)].sort(),
  );
  await again.snapshot();
  expect(take()).toEqual([`read ${commit(4)}`]);
});

test('an appender checks for the next version and that the log still exists, and writes a file and a commit', async () => {
  const { store, take } = counted();
  const { location } = await DeltaTable.create(store, 'unique', { columns: COLUMNS });
  const appender = await UniqueAppender.open(location, { idColumn: 'id', maxAgeMs: 0 });
  await appender.submit(rowOf(1));
  take();
  expect(await appender.submit(rowOf(2))).toEqual({ kind: 'added', version: 2 });
  await appender.close();
  const requests = take();
  expect(requests.filter((request) => !request.startsWith('put part-'))).toEqual([
    `put ${commit(2)}`,
    `read ${commit(2)}`,
    // during the upload: the newest commit, and one from about a minute ago
    `stat ${commit(0)}`,
    `stat ${commit(1)}`,
  ]);
  expect(requests).toHaveLength(5);
});

test('the loser of a race for a write-once record reads it with one request', async () => {
  const { store, take } = counted();
  await writeRecord(store, 'a/record.json', { by: 'the first' });
  take();
  expect(await writeRecord(store, 'a/record.json', { by: 'the second' })).toEqual({
    value: { by: 'the first' },
    ours: false,
  });
  // checks once whether the refused write was our own
  expect(take()).toEqual(['put record.json', 'read record.json', 'stat record.json']);
});

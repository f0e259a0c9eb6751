import { afterEach, describe, expect, test } from 'vitest';
import { DeltaTable, UniqueAppender, type UniqueAppenderOptions } from '../../../shared/delta/index.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import {
  faultyStore,
  gate,
  hastyClock,
  heldPuts,
  idle,
  idOf,
  idsIn,
  memoryBucket,
  newTable,
  rowOf,
  rowsOf,
  until,
} from '../../helpers/delta.ts';

const open: UniqueAppender[] = [];

async function appender(
  store: ObjectStore,
  options: Partial<UniqueAppenderOptions> = {},
): Promise<UniqueAppender> {
  const { location } = await DeltaTable.open(store, 'events');
  const made = await UniqueAppender.open(location, {
    idColumn: 'id',
    maxAgeMs: 0,
    clock: hastyClock(),
    ...options,
  });
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()));
});

describe('invariant 1: an id enters version v only if absent from exactly v-1', () => {
  test('two instances race with the same id: the loser sees the winner and answers duplicate', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    // the slow instance has read the table and uploaded its file when the fast one commits
    const held = heldPuts(bucket, '1.json');
    const slow = await appender(held.store);
    const fast = await appender(bucket);
    const late = slow.submit(rowOf('a'));
    await held.reached;
    await expect(fast.submit(rowOf('a'))).resolves.toEqual({ kind: 'added', version: 1 });
    held.release();
    await expect(late).resolves.toEqual({ kind: 'duplicate', version: 1 });
    expect(await idsIn(bucket)).toEqual([idOf('a')]);
  });

  test('the loser of a race keeps the rows that the winner did not have, in a new file', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const held = heldPuts(bucket, '1.json');
    const slow = await appender(held.store, { maxAgeMs: 5 });
    const fast = await appender(bucket);
    const late = Promise.all([slow.submit(rowOf('a')), slow.submit(rowOf('b'))]);
    await held.reached;
    await fast.submit(rowOf('a'));
    held.release();
    const outcomes = await late;
    expect(outcomes.map(({ kind }) => kind)).toEqual(['duplicate', 'added']);
    expect(await idsIn(bucket)).toEqual([idOf('a'), idOf('b')].sort());
  });

  test('an id whose file was removed as if rewritten, but whose rows are nowhere, may enter again', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const writer = await appender(bucket);
    await writer.submit(rowOf('a'));
    const [file] = (await table.snapshot()).files.values();
    const remove = { path: file?.path, deletionTimestamp: 1, dataChange: false };
    const body = Buffer.from(`${JSON.stringify({ remove })}\n`);
    await bucket.putIfAbsent('events/_delta_log/00000000000000000002.json', body);
    expect(await writer.submit(rowOf('a'))).toEqual({ kind: 'added', version: 3 });
    expect(await idsIn(bucket)).toEqual([idOf('a')]);
  });

  test('a deleted id may enter again', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const writer = await appender(bucket);
    await writer.submit(rowOf('a'));
    const [file] = (await table.snapshot()).files.values();
    // another engine deletes all rows of the file
    const remove = { path: file?.path, deletionTimestamp: 1, dataChange: true };
    const body = Buffer.from(`${JSON.stringify({ remove })}\n`);
    await bucket.putIfAbsent('events/_delta_log/00000000000000000002.json', body);
    expect(await writer.submit(rowOf('a'))).toEqual({ kind: 'added', version: 3 });
    expect(await idsIn(bucket)).toEqual([idOf('a')]);
  });
});

describe('invariant 2: acknowledged only after the commit is confirmed ours or the id confirmed live', () => {
  test('nothing is acknowledged while the commit is in flight', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const held = heldPuts(bucket, '1.json');
    const writer = await appender(held.store);
    let isAcknowledged = false;
    const submitted = writer.submit(rowOf('a')).then(() => {
      isAcknowledged = true;
    });
    const joined = writer.submit(rowOf('a')).then(() => {
      isAcknowledged = true;
    });
    await held.reached;
    await idle();
    expect(isAcknowledged).toBe(false);
    held.release();
    await Promise.all([submitted, joined]);
    expect(await idsIn(bucket)).toEqual([idOf('a')]);
  });

  test('a commit whose answer was lost is read back, recognized by its txnId and acknowledged once', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const lost = new Set<string>();
    const writer = await appender(
      faultyStore(bucket, (operation, name) => {
        if (operation !== 'put' || !name.endsWith('.json') || lost.has(name)) return 'ok';
        lost.add(name);
        return 'lost';
      }),
    );
    for (let i = 0; i < 20; i++) {
      expect(await writer.submit(rowOf(i))).toEqual({ kind: 'added', version: i + 1 });
    }
    expect(await idsIn(bucket)).toHaveLength(20);
    expect((await DeltaTable.open(bucket, 'events').then((table) => table.snapshot())).version).toBe(20);
  });

  test('a version that another writer holds is no success, even if storage says "exists"', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const writer = await appender(bucket);
    await table.append([rowOf('other')]);
    expect(await writer.submit(rowOf('a'))).toEqual({ kind: 'added', version: 2 });
    expect(await idsIn(bucket)).toEqual([idOf('a'), idOf('other')].sort());
  });
});

describe('invariant 3: an unknown outcome is not acknowledged', () => {
  test('storage that never answers: all pending rows are rejected; a redelivery finds what was written after all', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    let isDown = true;
    let isWritten = false;
    const writer = await appender(
      faultyStore(bucket, (operation, name) => {
        if (!isDown || !name.endsWith('00000000000000000001.json')) return 'ok';
        if (operation === 'put') {
          isWritten = true;
          return 'lost';
        }
        return isWritten ? 'fail' : 'ok';
      }),
    );
    await expect(writer.submit(rowOf('a'))).rejects.toMatchObject({ code: 'unsettled' });
    isDown = false;
    // the index was dropped and rebuilt: the redelivery is a duplicate of the row that landed
    expect(await writer.submit(rowOf('a'))).toEqual({ kind: 'duplicate', version: 1 });
    expect(await idsIn(bucket)).toEqual([idOf('a')]);
  });

  test('a failed write that storage carries out later does not add the row twice', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    let ghost: (() => Promise<unknown>) | undefined;
    const ghostly: ObjectStore = {
      ...bucket,
      async putIfAbsent(name, body, options) {
        if (!name.endsWith('1.json') || ghost) return bucket.putIfAbsent(name, body, options);
        const copy = body.slice();
        ghost = () => bucket.putIfAbsent(name, copy, options);
        throw new Error('socket hang up');
      },
    };
    const writer = await appender(ghostly);
    // the second try writes version 1; the first one arrives after that
    expect(await writer.submit(rowOf('a'))).toEqual({ kind: 'added', version: 1 });
    expect(await ghost?.()).toEqual({ kind: 'exists' });
    expect(await idsIn(bucket)).toEqual([idOf('a')]);
  });
});

describe('invariant 4: one commit in flight per instance', () => {
  test('a hundred rows in ten batches: never two commits in flight, versions without a gap', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    let underWay = 0;
    let most = 0;
    const watched: ObjectStore = {
      ...bucket,
      async putIfAbsent(name, body, options) {
        const isCommit = name.endsWith('.json');
        if (isCommit) most = Math.max(most, ++underWay);
        await idle(3);
        const outcome = await bucket.putIfAbsent(name, body, options);
        if (isCommit) underWay--;
        return outcome;
      },
    };
    const writer = await appender(watched, { maxRows: 10 });
    const outcomes = await Promise.all(rowsOf('r', 100).map((row) => writer.submit(row)));
    expect(most).toBe(1);
    expect(Math.max(...outcomes.map(({ version }) => version))).toBeGreaterThanOrEqual(10);
    expect(await idsIn(bucket)).toHaveLength(100);
  });
});

describe('invariant 5: the index has no false negatives up to its version, and a hit is verified', () => {
  test('rows that another engine wrote without fingerprints are known', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const writer = await appender(bucket);
    await writer.submit(rowOf('own'));
    await table.append([rowOf('foreign')]);
    expect(await writer.submit(rowOf('foreign'))).toEqual({ kind: 'duplicate', version: 2 });
  });

  test('fingerprints fewer than the rows of their file are not trusted', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const writer = await appender(bucket);
    // a writer that records no fingerprints for a file with a row
    const forgetful: ObjectStore = {
      ...bucket,
      putIfAbsent(name, body, options) {
        const lines = Buffer.from(body).toString().split('\n');
        const path = /"path":"([^"]+)"/.exec(lines[1] ?? '')?.[1];
        if (path === undefined) return bucket.putIfAbsent(name, body, options);
        const files = JSON.stringify({ column: 'id', rule: 'sha256-64', files: { [path]: '' } });
        const told = (lines[0] ?? '').replace('"commitInfo":{', `"commitInfo":{"idPrefixes":${files},`);
        return bucket.putIfAbsent(name, Buffer.from([told, ...lines.slice(1)].join('\n')), options);
      },
    };
    await (await DeltaTable.open(forgetful, 'events')).append([rowOf('foreign')]);
    expect(await writer.submit(rowOf('foreign'))).toEqual({ kind: 'duplicate', version: 1 });
  });

  test('ids are found again after compaction, by the racing instance too', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const one = await appender(bucket);
    const two = await appender(bucket);
    for (let i = 0; i < 6; i++) await one.submit(rowOf(i));
    await table.compact({ idColumn: 'id' });
    for (let i = 0; i < 6; i++) expect((await two.submit(rowOf(i))).kind).toBe('duplicate');
    for (let i = 0; i < 6; i++) expect((await one.submit(rowOf(i))).kind).toBe('duplicate');
    expect(await idsIn(bucket)).toHaveLength(6);
  });

  test('the ids of a file that was compacted before it was indexed are still known', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const first = await appender(bucket);
    await first.submit(rowOf('a'));
    await first.saveIndex({ force: true });
    for (let i = 0; i < 4; i++) await table.append([rowOf(`foreign${i}`)]);
    await table.compact({ idColumn: 'id' });
    // starts from the saved index, then reads the rewrite and appends whose files are gone
    const second = await appender(bucket);
    for (let i = 0; i < 4; i++) expect((await second.submit(rowOf(`foreign${i}`))).kind).toBe('duplicate');
    expect((await second.submit(rowOf('a'))).kind).toBe('duplicate');
  });

  test('an index that stopped halfway through a commit is dropped, not used', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    let isDown = false;
    const writer = await appender(
      faultyStore(bucket, (operation) => (isDown && operation === 'getRange' ? 'fail' : 'ok')),
    );
    await table.append([rowOf('foreign')]);
    // the commit is read, the ids of its file are not
    isDown = true;
    await expect(writer.submit(rowOf('a'))).rejects.toMatchObject({ code: 'unavailable' });
    isDown = false;
    expect((await writer.submit(rowOf('foreign'))).kind).toBe('duplicate');
    expect((await writer.submit(rowOf('a'))).kind).toBe('added');
  });

  test('a batch sorted while another commit was still being read is sorted again', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const commit = heldPuts(bucket, '1.json');
    const read = gate();
    let isReading = false;
    const writer = await appender(
      faultyStore(commit.store, (operation) => {
        if (operation !== 'getRange') return 'ok';
        isReading = true;
        return read.opened.then(() => 'ok' as const);
      }),
      { maxAgeMs: 5 },
    );
    const first = writer.submit(rowOf('x'));
    await commit.reached;
    // another writer wins the version, with the first batch's only row and one of the second's
    await table.append([rowOf('x'), rowOf('y')]);
    commit.release();
    await until(() => isReading);
    const second = ['y', ...Array.from({ length: 200 }, (_, i) => `more${i}`)].map((name) =>
      writer.submit(rowOf(name)),
    );
    await idle();
    read.open();
    expect((await first).kind).toBe('duplicate');
    expect((await Promise.all(second)).filter(({ kind }) => kind === 'duplicate')).toHaveLength(1);
    const ids = await idsIn(bucket);
    expect([ids.length, new Set(ids).size]).toEqual([202, 202]);
  });

  test('two ids with one fingerprint both enter: a hit is looked up, not trusted', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const writer = await appender(bucket, { maxAgeMs: 5 });
    const id = idOf('a');
    const twin = `${id.slice(0, 16)}${'0'.repeat(48)}`;
    // makes the file's range of ids wide enough to include the twin
    const wide = ['0', 'f'].map((digit) => ({ id: digit.repeat(64) }));
    await Promise.all([{ id }, ...wide].map((row) => writer.submit(row)));
    expect((await writer.submit({ id: twin })).kind).toBe('added');
    await table.compact({ idColumn: 'id', minFiles: 2 });
    expect((await writer.submit({ id: twin })).kind).toBe('duplicate');
    expect(await idsIn(bucket)).toEqual([...wide.map((row) => row.id), id, twin].sort());
  });
});

describe('invariant 6: compaction keeps the multiset of ids', () => {
  test('ids that exist twice stay twice', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    for (let i = 0; i < 5; i++) await table.append([rowOf('twice'), rowOf(i)]);
    const before = await idsIn(bucket);
    const outcome = await table.compact({ idColumn: 'id' });
    expect(outcome).toMatchObject({ rewrites: 1, filesRemoved: 5, filesAdded: 1, rows: 10 });
    expect(await idsIn(bucket)).toEqual(before);
  });

  test('a compaction whose input another writer removed gives up and changes nothing', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    for (let i = 0; i < 5; i++) await table.append([rowOf(i)]);
    const [victim] = (await table.snapshot()).files.values();
    const remove = { path: victim?.path, deletionTimestamp: 1, dataChange: true };
    const racing = faultyStore(bucket, (operation, name) => {
      if (operation !== 'put' || !name.endsWith('6.json')) return 'ok';
      const body = Buffer.from(`${JSON.stringify({ remove })}\n`);
      return bucket.putIfAbsent(name, body).then(() => 'ok' as const);
    });
    const compacting = await DeltaTable.open(racing, 'events');
    expect(await compacting.compact({ idColumn: 'id' })).toMatchObject({
      rewrites: 0,
      conflict: 'input-removed',
    });
    expect(await idsIn(bucket)).toHaveLength(4);
  });
});

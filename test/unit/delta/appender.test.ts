import { getEventListeners } from 'node:events';
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
  manualClock,
  memoryBucket,
  newTable,
  rowOf,
  rowsOf,
} from '../../helpers/delta.ts';
import { newCounts, slowStore } from '../../helpers/slow-store.ts';

const open: UniqueAppender[] = [];

async function appender(
  store: ObjectStore,
  options: Partial<UniqueAppenderOptions> = {},
): Promise<UniqueAppender> {
  const { location } = await DeltaTable.open(store, 'events');
  const made = await UniqueAppender.open(location, { idColumn: 'id', ...options });
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()));
});

/** A store whose commits wait until they are released. */
const heldCommits = (bucket: ObjectStore) => heldPuts(bucket, '.json');

describe('a batch', () => {
  test('holds all rows submitted while the last commit was in flight', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const { store, release } = heldCommits(bucket);
    const writer = await appender(store);
    const first = writer.submit(rowOf('first'));
    await idle();
    const rest = rowsOf('r', 50).map((row) => writer.submit(row));
    release();
    expect(await first).toEqual({ kind: 'added', version: 1 });
    expect(new Set((await Promise.all(rest)).map(({ version }) => version))).toEqual(new Set([2]));
  });

  test('is limited in rows and in bytes', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const sizes: number[] = [];
    const byRows = await appender(bucket, { maxRows: 20, onCommit: ({ rows }) => sizes.push(rows) });
    await Promise.all(rowsOf('r', 50).map((row) => byRows.submit(row)));
    expect(sizes.every((rows) => rows <= 20)).toBe(true);
    sizes.length = 0;
    const byBytes = await appender(bucket, { maxBytes: 5_000, onCommit: ({ rows }) => sizes.push(rows) });
    await Promise.all(rowsOf('s', 10).map((row) => byBytes.submit({ ...row, note: 'x'.repeat(2_000) })));
    expect(sizes.every((rows) => rows <= 2)).toBe(true);
    expect(await idsIn(bucket)).toHaveLength(60);
  });

  test('is flushed by age if fewer rows arrive than the last time', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const clock = manualClock();
    const writer = await appender(bucket, { clock, maxAgeMs: 25 });
    await Promise.all(rowsOf('r', 10).map((row) => writer.submit(row)));
    let isDone = false;
    const lonely = writer.submit(rowOf('lonely')).then(() => {
      isDone = true;
    });
    await idle();
    expect(isDone).toBe(false);
    clock.advance(25);
    await lonely;
  });

  test('of one row does not wait for others that never arrive', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const writer = await appender(bucket, { clock: manualClock(), maxAgeMs: 1_000 });
    for (let i = 0; i < 3; i++) await writer.submit(rowOf(i));
    expect(await idsIn(bucket)).toHaveLength(3);
  });

  test('reports each commit once, with its rows and repeats', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const commits: object[] = [];
    const writer = await appender(bucket, { maxAgeMs: 5, onCommit: (commit) => commits.push(commit) });
    await writer.submit(rowOf('a'));
    await Promise.all(['a', 'b', 'b', 'c'].map((name) => writer.submit(rowOf(name))));
    const alone = { conflicts: 0, isTaken: false, others: 0 };
    expect(commits).toEqual([
      { version: 1, rows: 1, bytes: expect.any(Number), duplicates: 0, ...alone },
      { version: 2, rows: 2, bytes: expect.any(Number), duplicates: 1, ...alone },
    ]);
  });
});

describe('a submit', () => {
  test('of an id that is pending joins it', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const writer = await appender(bucket, { maxAgeMs: 5 });
    const outcomes = await Promise.all([writer.submit(rowOf('a')), writer.submit(rowOf('a'))]);
    expect(outcomes).toEqual([
      { kind: 'added', version: 1 },
      { kind: 'duplicate', version: 1 },
    ]);
  });

  test('that is aborted before its batch is sent leaves nothing behind', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const { store, release } = heldCommits(bucket);
    const writer = await appender(store);
    const first = writer.submit(rowOf('first'));
    await idle();
    const impatient = new AbortController();
    const given = writer.submit(rowOf('given-up'), { signal: impatient.signal });
    const others = [
      writer.submit(rowOf('shared'), { signal: impatient.signal }),
      writer.submit(rowOf('shared')),
    ];
    impatient.abort(new Error('too late'));
    await expect(given).rejects.toThrow('too late');
    await expect(others[0]).rejects.toThrow('too late');
    release();
    await first;
    expect((await others[1])?.version).toBe(2);
    expect(await idsIn(bucket)).toEqual([idOf('first'), idOf('shared')].sort());
    await expect(writer.submit(rowOf('x'), { signal: impatient.signal })).rejects.toThrow('too late');
  });

  test('with the signal of others adds no listener of its own, and leaves none behind', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const writer = await appender(bucket, { maxAgeMs: 5 });
    const { signal } = new AbortController();
    const outcomes = ['a', 'b', 'c'].map((name) => writer.submit(rowOf(name), { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await Promise.all(outcomes);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('that is aborted in flight is not acknowledged, and a redelivery finds the row', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const { store, release } = heldCommits(bucket);
    const writer = await appender(store);
    const impatient = new AbortController();
    const given = writer.submit(rowOf('a'), { signal: impatient.signal });
    await idle();
    impatient.abort(new Error('too late'));
    await expect(given).rejects.toThrow('too late');
    release();
    expect((await writer.submit(rowOf('a'))).kind).toBe('duplicate');
    expect(await idsIn(bucket)).toEqual([idOf('a')]);
  });

  test('with a row that does not fit is refused alone', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const writer = await appender(bucket, { maxAgeMs: 5 });
    const outcomes = await Promise.allSettled([
      writer.submit(rowOf('good')),
      writer.submit({ id: idOf('bad'), n: 'text' }),
      writer.submit({ n: 1 }),
      writer.submit({ id: '', n: 1 }),
      writer.submit({ id: idOf('more'), what: 1 }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
    ]);
    expect(await idsIn(bucket)).toEqual([idOf('good')]);
  });

  test('sees columns that were added after the appender was opened', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const writer = await appender(bucket);
    const queued = writer.submit(rowOf('before'));
    await table.addColumns([{ name: 'extra', type: 'string' }]);
    await queued;
    await writer.submit(rowOf('after'));
    expect((await writer.submit({ id: idOf('with'), extra: 'e' })).kind).toBe('added');
    const ids = await idsIn(bucket);
    expect(ids).toHaveLength(3);
  });

  test('is refused if the table has become unwritable for us', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const writer = await appender(bucket);
    const body =
      '{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["rowTracking"]}}\n';
    await bucket.putIfAbsent('events/_delta_log/00000000000000000001.json', Buffer.from(body));
    await expect(writer.submit(rowOf('a'))).rejects.toMatchObject({ code: 'unsupported-table' });
    expect(await idsIn(bucket)).toEqual([]);
  });
});

describe('storage that fails', () => {
  test('while a file is uploaded: rejected, and the next submit succeeds', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    let isDown = true;
    const writer = await appender(
      faultyStore(bucket, (operation, name) =>
        isDown && operation === 'put' && name.endsWith('.parquet') ? 'fail' : 'ok',
      ),
      { clock: hastyClock(), maxAgeMs: 0 },
    );
    await expect(writer.submit(rowOf('a'))).rejects.toMatchObject({ code: 'unavailable' });
    isDown = false;
    expect((await writer.submit(rowOf('a'))).kind).toBe('added');
    expect(await idsIn(bucket)).toHaveLength(1);
  });

  test('and never answers: each request has a time limit, and the commit is read back', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    let hangs = 1;
    const silent: ObjectStore = {
      ...bucket,
      async putIfAbsent(name, body, options) {
        const outcome = await bucket.putIfAbsent(name, body, options);
        return name.endsWith('.json') && hangs-- > 0 ? new Promise(() => {}) : outcome;
      },
    };
    const writer = await appender(silent, { requestMs: 30 });
    expect(await writer.submit(rowOf('a'))).toEqual({ kind: 'added', version: 1 });
    expect(await idsIn(bucket)).toHaveLength(1);
  });

  test('while a repeat is looked up: that one is rejected, the others are not delayed', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    await table.append(rowsOf('old', 20));
    let isDown = false;
    const writer = await appender(
      faultyStore(bucket, (operation) => (isDown && operation === 'getRange' ? 'fail' : 'ok')),
      { maxAgeMs: 5 },
    );
    // a fresh appender has not opened the file to index it
    const fresh = await appender(
      faultyStore(bucket, (operation) => (isDown && operation === 'getRange' ? 'fail' : 'ok')),
      { maxAgeMs: 5 },
    );
    await writer.saveIndex({ force: true });
    const third = await appender(
      faultyStore(bucket, (operation) => (isDown && operation === 'getRange' ? 'fail' : 'ok')),
      { maxAgeMs: 5 },
    );
    isDown = true;
    const [repeat, added] = await Promise.allSettled([
      third.submit(rowOf('old3')),
      third.submit(rowOf('new')),
    ]);
    expect(repeat.status).toBe('rejected');
    expect(added).toMatchObject({ status: 'fulfilled', value: { kind: 'added' } });
    isDown = false;
    expect((await third.submit(rowOf('old3'))).kind).toBe('duplicate');
    expect((await fresh.submit(rowOf('old4'))).kind).toBe('duplicate');
  });
});

describe('close', () => {
  test('commits what is queued, then accepts no more', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const { store, release } = heldCommits(bucket);
    const writer = await appender(store, { maxRows: 3 });
    const submitted = rowsOf('r', 10).map((row) => writer.submit(row));
    await idle();
    const closing = writer.close();
    await expect(writer.submit(rowOf('late'))).rejects.toMatchObject({ code: 'closed' });
    release();
    await closing;
    expect((await Promise.all(submitted)).every(({ kind }) => kind === 'added')).toBe(true);
    expect(await idsIn(bucket)).toHaveLength(10);
  });

  test('before the pending rows are committed: they are rejected, not acknowledged', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const { store, release } = heldCommits(bucket);
    const writer = await appender(store, { maxRows: 1 });
    const outcomes = Promise.allSettled(rowsOf('r', 3).map((row) => writer.submit(row)));
    await idle();
    const haste = new AbortController();
    const closing = writer.close({ signal: haste.signal });
    haste.abort();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    release();
    await closing;
    expect((await idsIn(bucket)).length).toBeLessThanOrEqual(1);
  });
});

describe('maintenance beside the commits', () => {
  test('a checkpoint is written every ten commits, and the hint points at it', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const writer = await appender(bucket, { maxAgeMs: 0, checkpointEvery: 10 });
    for (let i = 0; i < 25; i++) await writer.submit(rowOf(i));
    await writer.close();
    const names: string[] = [];
    for await (const { name } of bucket.list({ prefix: 'events/_delta_log/0' })) names.push(name);
    const checkpoints = names.filter((name) => name.endsWith('.checkpoint.parquet'));
    expect(checkpoints.map((name) => name.slice(36, 38))).toEqual(['10', '20']);
    const hint = await bucket.get('events/_delta_log/_last_checkpoint');
    expect(JSON.parse(Buffer.from(hint?.body ?? []).toString())).toMatchObject({
      version: 20,
      numOfAddFiles: 20,
    });
  });

  test('a checkpoint that cannot be written is reported, and blocks no submit', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const failures: unknown[] = [];
    const broken = faultyStore(bucket, (operation, name) =>
      operation === 'put' && name.includes('checkpoint') ? 'fail' : 'ok',
    );
    const onUpkeepError = (error: unknown): void => void failures.push(error);
    const writer = await appender(broken, { maxAgeMs: 0, checkpointEvery: 5, onUpkeepError });
    for (let i = 0; i < 6; i++) await writer.submit(rowOf(i));
    await writer.close();
    expect(failures).toMatchObject([{ code: 'unavailable' }]);
    expect(await idsIn(bucket)).toHaveLength(6);
  });
});

describe('a cold start', () => {
  test('from a saved index reads the tail of the log and no data file', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const first = await appender(bucket);
    for (let i = 0; i < 10; i++) await Promise.all(rowsOf('r', 100, i * 100).map((row) => first.submit(row)));
    expect((await first.saveIndex({ force: true }))?.bytes).toBeGreaterThan(8_000);
    await table.checkpoint();
    for (let i = 10; i < 13; i++)
      await Promise.all(rowsOf('r', 100, i * 100).map((row) => first.submit(row)));
    const names: string[] = [];
    const watched = faultyStore(bucket, (operation, name) => {
      names.push(`${operation} ${name}`);
      return 'ok';
    });
    const second = await appender(watched);
    expect(names.filter((name) => name.includes('/part-'))).toEqual([]);
    expect(second.facts).toMatchObject({ version: 13, ids: 1_300 });
    for (const name of ['r0', 'r999', 'r1299'])
      expect((await second.submit(rowOf(name))).kind).toBe('duplicate');
  });

  test('with a damaged index, or that of another table, reads the id columns', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const first = await appender(bucket);
    await Promise.all(rowsOf('r', 100).map((row) => first.submit(row)));
    await first.saveIndex({ force: true });
    const name = 'events/_id_index/id/00000000000000000001.bin';
    const body = new Uint8Array((await bucket.get(name))?.body ?? []);
    body[body.length - 1] = (body[body.length - 1] ?? 0) ^ 1;
    await bucket.delete(name);
    await bucket.putIfAbsent(name, body);
    const second = await appender(bucket);
    expect(second.facts?.ids).toBe(100);
    expect((await second.submit(rowOf('r5'))).kind).toBe('duplicate');
  });

  test('if the log after the saved index was cleaned up, reads only files unknown to the index', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const first = await appender(bucket);
    await Promise.all(rowsOf('old', 10).map((row) => first.submit(row)));
    await first.saveIndex({ force: true });
    await Promise.all(rowsOf('new', 10).map((row) => first.submit(row)));
    await table.checkpoint();
    for (const version of [0, 1, 2])
      await bucket.delete(`events/_delta_log/0000000000000000000${version}.json`);
    const second = await appender(bucket);
    for (const name of ['old3', 'new3']) expect((await second.submit(rowOf(name))).kind).toBe('duplicate');
  });

  test('from an index that was saved while a foreign commit was being read misses none of its ids', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    const held = gate();
    let isHeld = false;
    const writer = await appender(
      faultyStore(bucket, (operation) =>
        isHeld && operation === 'getRange' ? held.opened.then(() => 'ok' as const) : 'ok',
      ),
      { maxAgeMs: 0 },
    );
    await table.append([rowOf('foreign')]);
    isHeld = true;
    const submitted = writer.submit(rowOf('a'));
    await idle();
    const saving = writer.saveIndex({ force: true });
    await idle();
    held.open();
    await Promise.all([submitted, saving]);
    const second = await appender(bucket);
    expect((await second.submit(rowOf('foreign'))).kind).toBe('duplicate');
  });

  test('keeps two saved indexes, the newest', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const writer = await appender(bucket);
    for (let i = 0; i < 4; i++) {
      await writer.submit(rowOf(i));
      await writer.saveIndex({ force: true });
    }
    const names: string[] = [];
    for await (const { name } of bucket.list({ prefix: 'events/_id_index/' })) names.push(name.slice(-6));
    expect(names).toEqual(['03.bin', '04.bin'].map((name) => name));
  });
});

test('a repeat among a hundred thousand compacted rows costs a page, not a file', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  for (let i = 0; i < 5; i++) await table.append(rowsOf('r', 4_000, i * 4_000));
  await table.compact({ idColumn: 'id' });
  const first = await appender(bucket);
  await first.saveIndex({ force: true });
  const counts = newCounts();
  const second = await appender(slowStore(bucket, { put: 0, get: 0, absent: 0 }, counts));
  await second.submit(rowOf('r7'));
  Object.assign(counts, newCounts());
  expect((await second.submit(rowOf('r15000'))).kind).toBe('duplicate');
  expect(counts.bytesRead).toBeLessThan(40_000);
  // the tail of the log, the check that the newest commit exists, and the page
  expect(counts.gets).toBe(3);
});

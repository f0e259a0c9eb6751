import { describe, expect, test } from 'vitest';
import { collectRows, DeltaTable } from '../../../shared/delta/index.ts';
import { parseCommit } from '../../../shared/delta/log/actions.ts';
import type { ObjectStore } from '../../../shared/storage/object-store.ts';
import {
  COLUMNS,
  faultyStore,
  hastyClock,
  idOf,
  idsIn,
  memoryBucket,
  newTable,
  rowOf,
} from '../../helpers/delta.ts';
import { FULL } from '../../helpers/full-form.ts';

const commit = (version: number): string => `t/_delta_log/${String(version).padStart(20, '0')}.json`;
const PROTOCOL = '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}';
const SCHEMA = JSON.stringify(
  '{"type":"struct","fields":[{"name":"id","type":"string","nullable":true,"metadata":{}}]}',
);
const METADATA = `{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":${SCHEMA},"partitionColumns":[],"configuration":{}}}`;
const ADD =
  '{"add":{"path":"a.parquet","partitionValues":{},"size":100,"modificationTime":1,"dataChange":true}}';

async function storeWith(files: Record<string, string>): Promise<ObjectStore> {
  const bucket = memoryBucket();
  for (const [name, body] of Object.entries(files)) await bucket.putIfAbsent(name, Buffer.from(body));
  return bucket;
}

describe('a commit', () => {
  test('is one line of JSON per action, commitInfo first, with its own txnId', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    await table.append([rowOf('a')]);
    const stored = await bucket.get('events/_delta_log/00000000000000000001.json');
    const lines = Buffer.from(stored?.body ?? [])
      .toString()
      .split('\n');
    expect(lines).toHaveLength(3);
    const [info, add] = lines.map((line) => (line === '' ? undefined : JSON.parse(line)));
    expect(info.commitInfo).toMatchObject({
      operation: 'WRITE',
      isBlindAppend: true,
      txnId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(add.add).toMatchObject({
      partitionValues: {},
      dataChange: true,
      stats: expect.stringContaining('"numRecords":1'),
    });
    expect(lines[2]).toBe('');
  });

  test('that loses its version continues after the winner', async () => {
    const bucket = memoryBucket();
    const [one, two] = [await newTable(bucket), await DeltaTable.open(bucket, 'events')];
    expect(await one.append([rowOf('a')])).toEqual({ kind: 'committed', version: 1 });
    expect(await two.append([rowOf('b')])).toEqual({ kind: 'committed', version: 2 });
    expect(await idsIn(bucket)).toEqual([idOf('a'), idOf('b')].sort());
  });

  test('does not continue after a change of the columns: the conflict is a value', async () => {
    const bucket = memoryBucket();
    const [one, two] = [await newTable(bucket), await DeltaTable.open(bucket, 'events')];
    await one.addColumns([{ name: 'extra', type: 'long' }]);
    expect(await two.append([rowOf('b')])).toEqual({
      kind: 'conflict',
      version: 1,
      reason: 'metadata-changed',
    });
    expect(await two.append([{ ...rowOf('b'), extra: 7 }])).toEqual({ kind: 'committed', version: 2 });
  });

  test('whose answers are lost one time in five: two hundred appends are two hundred versions', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    let puts = 0;
    const lossy = faultyStore(bucket, (operation) =>
      operation === 'put' && ++puts % 5 === 0 ? 'lost' : 'ok',
    );
    const table = await DeltaTable.open(lossy, 'events', { clock: hastyClock() });
    for (let i = 0; i < 200; i++) expect(await table.append([rowOf(i)])).toMatchObject({ kind: 'committed' });
    expect((await table.snapshot()).version).toBe(200);
    expect(new Set(await idsIn(bucket)).size).toBe(200);
    expect(await idsIn(bucket)).toHaveLength(200);
  });

  test('retries its version if storage says it is absent, and never the next one', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const tried: string[] = [];
    const failing = faultyStore(bucket, (operation, name) => {
      if (operation !== 'put' || !name.endsWith('.json')) return 'ok';
      tried.push(name.slice(-6));
      return tried.length < 4 ? 'fail' : 'ok';
    });
    const table = await DeltaTable.open(failing, 'events', { clock: hastyClock() });
    expect(await table.append([rowOf('a')])).toEqual({ kind: 'committed', version: 1 });
    expect(tried).toEqual(['1.json', '1.json', '1.json', '1.json']);
  });

  test('is unsettled if storage answers neither the write nor the read-back', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    const dead = faultyStore(bucket, (_, name) => (name.endsWith('1.json') ? 'fail' : 'ok'));
    const table = await DeltaTable.open(dead, 'events', { clock: hastyClock() });
    await expect(table.append([rowOf('a')])).rejects.toMatchObject({ code: 'unsettled', retryable: true });
  });
});

test('concurrent appends, columns and snapshots on one table object keep their order', async () => {
  const bucket = memoryBucket();
  const table = await newTable(bucket);
  const other = await DeltaTable.open(bucket, 'events');
  await Promise.all([
    ...Array.from({ length: 10 }, (_, i) => table.append([rowOf(i)])),
    other.append([rowOf('other')]),
    ...Array.from({ length: 5 }, () => table.snapshot()),
  ]);
  const { version, files } = await table.snapshot();
  expect([version, files.size]).toEqual([11, 11]);
  expect(await table.append([])).toEqual({ kind: 'committed', version: 11 });
});

describe('two callers that create one table', () => {
  test('one creates it, the other gets an error or opens it', async () => {
    const bucket = memoryBucket();
    await newTable(bucket);
    await expect(newTable(bucket)).rejects.toMatchObject({ code: 'table-exists' });
    const opened = await DeltaTable.openOrCreate(bucket, '/events/', { columns: COLUMNS });
    expect((await opened.snapshot()).version).toBe(0);
    const made = await DeltaTable.openOrCreate(bucket, 'new', { columns: COLUMNS });
    expect((await made.snapshot()).fields.map(({ name }) => name)).toEqual(['id', 'n', 'at', 'note']);
  });
});

describe('a bad table is refused with what is wrong', () => {
  const first = `${PROTOCOL}\n${METADATA}\n`;
  const cases: [string, Record<string, string>, string, RegExp][] = [
    ['nothing there', {}, 'table-not-found', /no Delta table at lake\/t/],
    ['no version 0 and no checkpoint', { [commit(3)]: ADD }, 'corrupt-table', /begins at version 3/],
    [
      'a gap',
      { [commit(0)]: first, [commit(1)]: ADD, [commit(3)]: ADD },
      'corrupt-table',
      /version 3 but not version 2/,
    ],
    [
      'half a line of JSON',
      { [commit(0)]: first, [commit(1)]: ADD.slice(0, 40) },
      'corrupt-table',
      /version 1, line 1 is not JSON/,
    ],
    ['no protocol', { [commit(0)]: METADATA }, 'corrupt-table', /no protocol/],
    ['no metadata', { [commit(0)]: PROTOCOL }, 'corrupt-table', /no metaData/],
    ['an action that is a list', { [commit(0)]: `${first}[1]` }, 'corrupt-table', /must be an object/],
    [
      'an add without a path',
      { [commit(0)]: first, [commit(1)]: ADD.replace('"a.parquet"', 'null') },
      'corrupt-table',
      /path of add of version 1 must be a string, got null/,
    ],
    [
      'a size below zero',
      { [commit(0)]: first, [commit(1)]: ADD.replace('100', '-1') },
      'corrupt-table',
      /size of add .* got -1/,
    ],
    [
      'a size beyond all files',
      { [commit(0)]: first, [commit(1)]: ADD.replace('100', '99999999999999999999') },
      'corrupt-table',
      /size of add .* got 99999999999999999999/,
    ],
    [
      'a size in words',
      { [commit(0)]: first, [commit(1)]: ADD.replace('100', '"big"') },
      'corrupt-table',
      /size of add .* got "big"/,
    ],
    [
      'partition values that are a text',
      { [commit(0)]: first, [commit(1)]: ADD.replace('{}', '"x"') },
      'corrupt-table',
      /a map/,
    ],
    [
      'a path out of the table',
      { [commit(0)]: first, [commit(1)]: ADD.replace('a.parquet', '../x') },
      'corrupt-table',
      /inside the table/,
    ],
    [
      'an absolute path',
      { [commit(0)]: first, [commit(1)]: ADD.replace('a.parquet', 'gs://b/x') },
      'unsupported-table',
      /must be relative/,
    ],
    [
      'a later reader version',
      { [commit(0)]: first.replace('Version":1', 'Version":4') },
      'unsupported-table',
      /reader version 4/,
    ],
    [
      'an unknown reader feature',
      {
        [commit(0)]: first.replace(
          '"minReaderVersion":1,"minWriterVersion":2',
          '"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]',
        ),
      },
      'unsupported-table',
      /deletionVectors/,
    ],
    ['ORC files', { [commit(0)]: first.replace('"parquet"', '"orc"') }, 'unsupported-table', /orc/],
    [
      'only a V2 checkpoint',
      { [`t/_delta_log/00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json`]: '{}' },
      'unsupported-table',
      /V2/,
    ],
    [
      'a version that is a word',
      { [commit(0)]: first.replace(':1,', ':"one",') },
      'corrupt-table',
      /minReaderVersion of protocol .* got "one"/,
    ],
  ];
  test.each(cases)('%s', async (_, files, code, message) => {
    const store = await storeWith(files);
    await expect(DeltaTable.open(store, 't')).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test('the files that the log promises are checked when they are read', async () => {
    const store = await storeWith({
      [commit(0)]: `${first}`,
      [commit(1)]: ADD,
      't/a.parquet': 'x'.repeat(100),
    });
    const table = await DeltaTable.open(store, 't');
    await expect(collectRows(table.scan())).rejects.toMatchObject({ code: 'corrupt-table' });
    await store.delete('t/a.parquet');
    await expect(collectRows(table.scan())).rejects.toThrow(/in the log but not in storage: vacuum deletes/);
    await store.putIfAbsent('t/a.parquet', Buffer.from('short'));
    await expect(collectRows(table.scan())).rejects.toThrow(/ends at byte 5; the log says 100/);
  });

  test('a truncated data file, or one with a changed footer, gives rows or a corrupt-table', async () => {
    const bucket = memoryBucket();
    const table = await newTable(bucket);
    await table.append(Array.from({ length: 50 }, (_, i) => rowOf(i)));
    const [path] = (await table.snapshot()).files.keys();
    const name = `events/${path}`;
    const intact = new Uint8Array((await bucket.get(name))?.body ?? []);
    for (const damaged of damages(intact)) {
      await bucket.delete(name);
      await bucket.putIfAbsent(name, damaged);
      const outcome = await collectRows(table.scan()).catch((error: unknown) => error);
      if (!Array.isArray(outcome)) expect(outcome).toMatchObject({ code: 'corrupt-table' });
    }
  });
});

describe('a truncated or changed log file', () => {
  test.each(['00000000000000000001.json', '00000000000000000002.checkpoint.parquet', '_last_checkpoint'])(
    '%s: the table opens, or the error is ours',
    async (file) => {
      const bucket = memoryBucket();
      const table = await newTable(bucket);
      await table.append([rowOf(1)]);
      await table.append([rowOf(2)]);
      await table.checkpoint();
      // makes sure that the checkpoint is read, not skipped
      if (file.endsWith('parquet')) {
        for (const version of [0, 1])
          await bucket.delete(`events/_delta_log/0000000000000000000${version}.json`);
      } else if (file.endsWith('.json')) {
        await bucket.delete('events/_delta_log/00000000000000000002.checkpoint.parquet');
      }
      const name = `events/_delta_log/${file}`;
      const intact = new Uint8Array((await bucket.get(name))?.body ?? []);
      for (const damaged of damages(intact)) {
        await bucket.delete(name);
        await bucket.putIfAbsent(name, damaged);
        const outcome = await DeltaTable.open(bucket, 'events').catch((error: unknown) => error);
        if (!(outcome instanceof DeltaTable)) expect(outcome).toMatchObject({ name: 'DeltaError' });
      }
    },
  );
});

describe('a table that requires more of writers', () => {
  test.each([
    ['writer version 4', PROTOCOL.replace('2}', '4}'), METADATA],
    [
      'unknown writer features',
      PROTOCOL.replace('"minWriterVersion":2', '"minWriterVersion":7,"writerFeatures":["rowTracking"]'),
      METADATA,
    ],
    [
      'invariants',
      PROTOCOL,
      METADATA.replace('\\"metadata\\":{}', '\\"metadata\\":{\\"delta.invariants\\":\\"x\\"}'),
    ],
    [
      'a type that is not written, in a column that may not be null',
      PROTOCOL,
      METADATA.replace('\\"type\\":\\"string\\"', '\\"type\\":\\"decimal(10,2)\\"').replace(
        '\\"nullable\\":true',
        '\\"nullable\\":false',
      ),
    ],
  ])('%s: it is read, and neither written nor checkpointed nor cleaned', async (_, protocol, metadata) => {
    const store = await storeWith({ [commit(0)]: `${protocol}\n${metadata}` });
    const table = await DeltaTable.open(store, 't');
    expect(await collectRows(table.scan())).toEqual([]);
    const refused = { code: 'unsupported-table' };
    await expect(table.append([])).rejects.toMatchObject(refused);
    await expect(table.compact()).rejects.toMatchObject(refused);
    await expect(table.checkpoint()).rejects.toMatchObject(refused);
    await expect(table.vacuum()).rejects.toMatchObject(refused);
    await expect(table.cleanUpLog()).rejects.toMatchObject(refused);
    await expect(table.addColumns([{ name: 'x', type: 'long' }])).rejects.toMatchObject(refused);
  });

  test('unknown actions and fields are skipped', async () => {
    const body = `{"newAction":{"x":1}}\n${PROTOCOL}\n${METADATA.replace('"id":"x"', '"id":"x","later":[1]')}\n\n`;
    const table = await DeltaTable.open(await storeWith({ [commit(0)]: body }), 't');
    expect((await table.snapshot()).version).toBe(0);
  });
});

/** Yields the file truncated at many places, and with single bytes changed (in Parquet, those of the footer). */
function* damages(intact: Uint8Array): Generator<Uint8Array> {
  const isParquet = Buffer.from(intact.subarray(-4)).toString() === 'PAR1';
  const footer = isParquet ? Buffer.from(intact).readUInt32LE(intact.length - 8) + 8 : intact.length;
  const step = Math.max(1, Math.floor(intact.length / (FULL ? 150 : 40)));
  for (let at = 0; at < intact.length; at += step) yield intact.subarray(0, at);
  for (
    let at = intact.length - footer;
    at < intact.length;
    at += Math.max(1, Math.floor(footer / (FULL ? 300 : 80)))
  ) {
    const changed = new Uint8Array(intact);
    changed[at] = (changed[at] ?? 0) ^ (1 + (at % 255));
    yield changed;
  }
}

test('partition values that are no texts are read, whatever members they have', () => {
  const add =
    '{"add":{"path":"a","size":1,"modificationTime":0,"partitionValues":{"p":{"toString":1},"n":7}}}';
  const { adds } = parseCommit(0, Buffer.from(add));
  expect(adds[0]?.partitionValues).toEqual({ p: '{"toString":1}', n: '7' });
});

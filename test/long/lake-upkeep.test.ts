import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectRows } from '../../shared/delta/index.ts';
import { writeCheckpoint } from '../../shared/delta/maintenance/checkpoint.ts';
import { type LakeScene, rowsOfMessage, startLake } from '../helpers/lake.ts';
import { pubsubMessage, structured } from '../helpers/messages.ts';

let scene: LakeScene;
/** Milliseconds ahead of the storage server's clock. */
let age = 0;
beforeEach(async () => {
  age = 0;
  scene = await startLake({ now: () => Date.now() - age });
});
afterEach(() => scene.close());

const cloudEvents = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) =>
    rowsOfMessage(structured({ id: `e-${from + n}` }), '2026-11-20T10:00:00Z'),
  ).flat();
const plain = (data: string) => rowsOfMessage(pubsubMessage({ data }), '2026-11-20T10:00:00Z');

async function dataFile(): Promise<string> {
  const { files } = await scene.table.snapshot();
  return `events/${[...files.keys()][0]}`;
}

async function overwrite(name: string, change: (body: Uint8Array) => Uint8Array): Promise<void> {
  const stored = await scene.store.get(name);
  if (!stored) throw new Error(`no ${name}`);
  await scene.store.replaceIf(name, stored.facts.generation, change(stored.body));
}

/** Rewrites the `add` of the first live file in a commit of another engine. */
async function recommit(change: (stats: Record<string, unknown>) => void): Promise<void> {
  const { files, version } = await scene.table.snapshot();
  const [add] = files.values();
  const stats = JSON.parse(add?.stats ?? '{}') as Record<string, unknown>;
  change(stats);
  const action = { add: { ...add, dataChange: false, stats: JSON.stringify(stats) } };
  const name = `events/_delta_log/${String(version + 1).padStart(20, '0')}.json`;
  await scene.store.putIfAbsent(name, Buffer.from(`${JSON.stringify(action)}\n`));
}

describe('verify', () => {
  test('a table that was appended to, compacted and checkpointed is sound', async () => {
    for (let batch = 0; batch < 5; batch++) await scene.table.append(cloudEvents(batch * 20, 20));
    await scene.table.append(plain('{"b": 1.0, "a": [1e2, "\\u0041"]}'));
    await scene.table.checkpoint();
    await scene.table.compact({ idColumn: 'event_id' });
    await scene.table.append(cloudEvents(100, 20));
    await scene.table.checkpoint();
    const run = await scene.here('verify');
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(
      /^version 8: 121 rows in 2 files, .* 9 commits, 2 checkpoints, .*: all is well\n$/,
    );
    const old = await scene.here('verify', '--version', '6', '--format', 'json');
    expect(JSON.parse(old.stdout)).toMatchObject({ version: 6, rows: 101, files: 6, findings: 0, list: [] });
  });

  test('an empty table is sound', async () => {
    expect((await scene.here('verify')).stdout).toMatch(/^version 0: 0 rows in 0 files, .*: all is well\n$/);
  });

  const damages: [string, () => Promise<unknown>, RegExp][] = [
    [
      'a missing live file',
      async () => scene.store.delete(await dataFile()),
      /^file-missing: part-\S+\.parquet: is live in the log, but not in storage$/m,
    ],
    [
      'a file that was cut short',
      async () => overwrite(await dataFile(), (body) => body.subarray(0, 100)),
      /^file-size: part-\S+: has 100 bytes; the log says \d+$/m,
    ],
    [
      'a file whose bytes are others',
      async () => overwrite(await dataFile(), (body) => body.map((byte) => byte ^ 0x5a)),
      /^file-unreadable: part-\S+: .* is not readable Parquet/m,
    ],
    [
      'a row count that is wrong in the log',
      () => recommit((stats) => Object.assign(stats, { numRecords: 21 })),
      /^row-count: part-\S+: has 20 rows; the log says 21$/m,
    ],
    [
      'bounds by which a query would miss rows',
      () => recommit((stats) => Object.assign(stats['maxValues'] as object, { type: 'a', ce_id: 'e-3' })),
      /^statistics: part-\S+: a query by ce_id would miss rows/m,
    ],
    [
      'nulls that the log does not know of',
      () => recommit((stats) => Object.assign(stats['nullCount'] as object, { subject: 0 })),
      /^statistics: part-\S+: subject is null 20 times; the log says 0$/m,
    ],
    [
      'an id that is not that of the row',
      () => scene.table.append(cloudEvents(50, 1).map((row) => ({ ...row, event_id: 'ab'.repeat(32) }))),
      /^id-content: part-\S+: (ab){32}: the row's content yields [0-9a-f]{64}$/m,
    ],
    [
      'data that was changed under its id',
      () => scene.table.append(plain('{"a": 1}').map((row) => ({ ...row, data: '{"a": 2}' }))),
      /^id-content: part-\S+: [0-9a-f]{64}: the row's content yields [0-9a-f]{64}$/m,
    ],
    [
      'data that is not JSON',
      () => scene.table.append(plain('{"a": 1}').map((row) => ({ ...row, data: '{"a": 1' }))),
      /^id-content: part-\S+: [0-9a-f]{64}: the row's data is not JSON/m,
    ],
    [
      'an event that is there twice',
      () => scene.table.append(cloudEvents(7, 1)),
      /^id-twice: part-\S+: [0-9a-f]{64} is also in part-\S+$/m,
    ],
    [
      'a checkpoint that lacks a file',
      async () => {
        const snapshot = await scene.table.snapshot();
        for (const path of snapshot.files.keys()) snapshot.files.delete(path);
        await writeCheckpoint(scene.table.location, snapshot);
      },
      /^checkpoint-differs: checkpoint 1: part-\S+ is missing, but live in the log$/m,
    ],
    [
      'a checkpoint with other facts of a file',
      async () => {
        const snapshot = await scene.table.snapshot();
        for (const [path, add] of snapshot.files) snapshot.files.set(path, { ...add, size: add.size + 1 });
        await writeCheckpoint(scene.table.location, snapshot);
      },
      /^checkpoint-differs: checkpoint 1: the entry of part-\S+ differs from the log$/m,
    ],
    [
      'a checkpoint that is not Parquet',
      () =>
        scene.store.putIfAbsent(
          'events/_delta_log/00000000000000000001.checkpoint.parquet',
          Buffer.from('PAR1 not really PAR1'),
        ),
      /^checkpoint-unreadable: checkpoint 1: /m,
    ],
    [
      'a commit that is missing before a checkpoint',
      async () => {
        await scene.table.append(cloudEvents(60, 1));
        await scene.table.checkpoint();
        await scene.store.delete('events/_delta_log/00000000000000000001.json');
      },
      /^log-gap: version 1: has no commit file, but version 2 has one$/m,
    ],
  ];
  test.each(damages)('finds %s', async (_what, damage, finding) => {
    await scene.table.append(cloudEvents(0, 20));
    await damage();
    const run = await scene.here('verify');
    expect(run.stdout).toMatch(finding);
    expect(run.stdout).toMatch(/: \d+ findings?\n$/);
    expect(run.code).toBe(1);
    const asJson = JSON.parse((await scene.here('verify', '--format', 'json')).stdout) as { list: unknown[] };
    expect(asJson.list).toHaveLength(run.stdout.trimEnd().split('\n').length - 1);
  });

  test('a log that was cleaned up is checked from its oldest checkpoint on', async () => {
    await scene.close();
    age = 40 * 86_400_000;
    scene = await startLake({ now: () => Date.now() - age });
    await scene.table.append(cloudEvents(0, 20));
    await scene.table.append(cloudEvents(20, 20));
    await scene.table.checkpoint();
    age = 0;
    await scene.table.append(cloudEvents(40, 20));
    expect(await scene.table.cleanUpLog()).toMatchObject({ deleted: 2, oldestKept: 2 });
    const run = await scene.here('verify');
    expect(run.stdout).toMatch(/60 rows in 3 files, .* 1 commit, 1 checkpoint, .*: all is well/);
    expect((await scene.here('query', '--version', '1')).stderr).toMatch(
      /there is no version 1: versions 2 to 3 can be read/,
    );
  });
});

test('compact: the same rows in one sorted file; a lookup then reads a part of it', async () => {
  for (let batch = 0; batch < 4; batch++) await scene.table.append(cloudEvents(batch * 3_000, 3_000));
  const ids = async (): Promise<string[]> =>
    (await collectRows(scene.table.scan({ columns: ['event_id'] })))
      .map((row) => String(row['event_id']))
      .sort();
  const before = await ids();
  const run = await scene.lake('compact');
  expect(run.code).toBe(0);
  expect(run.stdout).toMatch(/^4 files rewritten into 1: 12,000 rows, .*, 1 commit, /);
  expect(await ids()).toEqual(before);
  const facts = JSON.parse((await scene.here('info', '--format', 'json')).stdout) as Record<string, unknown>;
  expect(facts).toMatchObject({ compacted: { files: 1, rows: 12_000 }, uncompacted: { files: 0, rows: 0 } });
  expect((await scene.here('history', '--limit', '1')).stdout).toMatch(/OPTIMIZE +\+12,000 +-12,000 +\+1 -4/);
  expect((await scene.here('compact')).stdout).toBe('nothing to compact\n');
  expect((await scene.here('verify')).code).toBe(0);

  const id = before[5_000] ?? '';
  const found = await scene.here('query', '--id', id, '--format', 'csv', '--columns', 'event_id', '--stats');
  expect(found.stdout).toBe(`event_id\n${id}\n`);
  const [, read] = /; ([\d.]+) KB of [\d.]+ [KM]B read in \d+ requests$/m.exec(found.stderr) ?? [
    found.stderr,
  ];
  expect(Number(read), found.stderr).toBeLessThan(400);
});

test('checkpoint: says what it wrote', async () => {
  await scene.table.append(cloudEvents(0, 2));
  expect((await scene.here('checkpoint')).stdout).toMatch(/^checkpoint of version 1: 3 actions, /);
  expect((await scene.here('info')).stdout).toMatch(/^checkpoint +version 1, 0 commits behind$/m);
});

test('vacuum: only old files that no version needs, and none in a dry run', async () => {
  age = 10 * 86_400_000;
  await scene.store.putIfAbsent('events/part-orphan\u001b.parquet', Buffer.alloc(1_234));
  await scene.table.append(cloudEvents(0, 2));
  age = 0;
  await scene.store.putIfAbsent('events/part-young.parquet', Buffer.alloc(10));
  const dry = await scene.here('vacuum', '--dry-run');
  expect(dry.stdout).toMatch(
    /^part-orphan\ufffd\.parquet\n1 file of \d+, 1\.2 KB: would be deleted \(dry run\)\n$/,
  );
  expect(await scene.store.stat('events/part-orphan\u001b.parquet')).toBeDefined();
  expect((await scene.here('vacuum')).stdout).toMatch(/^1 file of \d+, 1\.2 KB: deleted\n$/);
  expect(await scene.store.stat('events/part-orphan\u001b.parquet')).toBeUndefined();
  expect(await scene.store.stat('events/part-young.parquet')).toBeDefined();
  expect((await scene.here('verify')).code).toBe(0);
});

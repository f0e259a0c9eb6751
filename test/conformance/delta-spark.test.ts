import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeltaTable, UniqueAppender } from '../../shared/delta/index.ts';
import { COLUMNS, idOf } from '../helpers/delta.ts';
import { type ContentSummary, ourSummary } from '../helpers/delta-engines.ts';
import { findSparkPython, type Spark, startSpark } from '../helpers/delta-spark.ts';
import { dirStore } from '../helpers/dir-store.ts';

const python = findSparkPython() ?? '';
if (python === '') {
  console.log(
    'Spark conformance did not run: see the head of test/conformance/delta_spark.py for what it needs',
  );
}

type Facts = ContentSummary & { version: number };

describe.runIf(python !== '')('Spark', () => {
  const root = mkdtempSync(join(tmpdir(), 'delta-spark-'));
  const store = dirStore(root);
  const at = (name: string): string => join(root, name);
  let spark: Spark;

  beforeAll(async () => {
    spark = await startSpark(python);
  });
  afterAll(async () => {
    await spark?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const submit = async (writer: UniqueAppender, name: string, count: number): Promise<string[]> => {
    const outcomes = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        writer.submit({
          id: idOf(`${name}-${index}`),
          n: index % 7 === 0 ? null : BigInt(index) * 9_007_199_254_741n,
          at: index % 5 === 0 ? null : 1_700_000_000_123_456n + BigInt(index),
          note: index % 3 === 0 ? null : `note ${index} 😀 ü`,
        }),
      ),
    );
    return outcomes.map(({ kind }) => kind);
  };

  test('reads ours: every version, history, after compaction, from the checkpoint alone', async () => {
    const table = await DeltaTable.create(store, 'ours', { columns: COLUMNS });
    const writer = await UniqueAppender.open(table.location, { idColumn: 'id' });
    for (let i = 0; i < 4; i++) await submit(writer, `batch${i}`, 1_000);
    await table.compact({ idColumn: 'id' });
    const { version } = await table.snapshot();
    for (let old = 0; old <= version; old++) {
      expect(await spark.call<Facts>('facts', at('ours'), old)).toEqual(
        await ourSummary(table, { version: old }),
      );
    }
    const history = (await table.history()).map(({ version, operation }) => ({ version, operation }));
    expect(await spark.call('history', at('ours'))).toEqual(history);
    expect(await spark.call('find', at('ours'), idOf('batch3-77'))).toEqual({ rows: 1 });
    expect(await spark.call('vacuum', at('ours'))).toEqual({ files: 0 });
    await table.checkpoint();
    await writer.close();
    // earlier than any retention allows: a running appender would take the table for deleted
    for (let old = 0; old < version; old++) {
      await store.delete(`ours/_delta_log/${String(old).padStart(20, '0')}.json`);
      await store.delete(`ours/_delta_log/.${String(old).padStart(20, '0')}.json.crc`);
    }
    const next = await UniqueAppender.open(table.location, { idColumn: 'id' });
    await submit(next, 'behind', 10);
    await next.close();
    expect(await spark.call<Facts>('facts', at('ours'))).toEqual(await ourSummary(table));
  });

  test('appends, deletes, updates and optimizes ours, and our writer continues with each event once', async () => {
    const table = await DeltaTable.create(store, 'shared', { columns: COLUMNS });
    const writer = await UniqueAppender.open(table.location, { idColumn: 'id' });
    await submit(writer, 'a', 100);
    await spark.call('append', at('shared'), 'theirs-', 50);
    expect((await writer.submit({ id: 'theirs-7' })).kind).toBe('duplicate');
    await spark.call(
      'sql',
      at('shared'),
      `delete from TABLE where id = '${idOf('a-5')}' or id like 'theirs-1_'`,
    );
    expect((await submit(writer, 'a', 100)).filter((kind) => kind === 'added')).toHaveLength(1);
    expect((await writer.submit({ id: 'theirs-12' })).kind).toBe('added');
    await spark.call('sql', at('shared'), "update TABLE set note = 'changed' where id like 'theirs-2%'");
    expect((await writer.submit({ id: 'theirs-20' })).kind).toBe('duplicate');
    await spark.call('sql', at('shared'), 'optimize TABLE');
    expect((await submit(writer, 'a', 100)).every((kind) => kind === 'duplicate')).toBe(true);
    expect(await spark.call<Facts>('facts', at('shared'))).toEqual(await ourSummary(table));
    await table.compact({ idColumn: 'id', minFiles: 2 });
    await table.checkpoint();
    await writer.close();
    const ours = await ourSummary(table);
    expect(ours.ids).toBe(ours.rows);
    expect(await spark.call<Facts>('facts', at('shared'))).toEqual(ours);
  });

  test('writes tables that we read, checkpoint included', async () => {
    for (let i = 0; i < 12; i++) await spark.call('append', at('theirs'), `batch${i}-`, 10);
    const table = await DeltaTable.open(store, 'theirs');
    expect(await ourSummary(table)).toEqual(await spark.call<Facts>('facts', at('theirs')));
    expect((await table.snapshot({ version: 5 })).files.size).toBeGreaterThan(0);
    // commits before the checkpoint of version 10 are not needed
    for (let old = 0; old < 10; old++)
      await store.delete(`theirs/_delta_log/${String(old).padStart(20, '0')}.json`);
    expect(await ourSummary(await DeltaTable.open(store, 'theirs'))).toMatchObject({ rows: 120, ids: 120 });
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeltaTable, eraseRows, UniqueAppender } from '../../shared/delta/index.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { COLUMNS, idOf, memoryBucket } from '../helpers/delta.ts';
import { type ContentSummary, engine, findPython, ourSummary } from '../helpers/delta-engines.ts';
import { dirStore } from '../helpers/dir-store.ts';

const python = findPython() ?? '';
if (python === '') {
  console.log('delta conformance did not run: no python3 here imports deltalake, duckdb and pyarrow');
}

const root = mkdtempSync(join(tmpdir(), 'delta-conformance-'));
const store = dirStore(root);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string): string => join(root, name);

function row(name: string, index: number): Record<string, string | bigint | null> {
  return {
    id: idOf(`${name}-${index}`),
    n: index % 7 === 0 ? null : BigInt(index) * 9_007_199_254_741n,
    at: index % 5 === 0 ? null : 1_700_000_000_123_456n + BigInt(index),
    note: index % 3 === 0 ? null : `note ${index} 😀 \uffff ü`,
  };
}

async function submitAll(writer: UniqueAppender, name: string, count: number): Promise<string[]> {
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, index) => writer.submit(row(name, index))),
  );
  return outcomes.map(({ kind }) => kind);
}

async function filesOf(table: DeltaTable, name: string): Promise<string[]> {
  const { files } = await table.snapshot();
  return [...files.keys()].map((path) => join(root, name, path));
}

/** Expects that every engine reads the newest version alike. */
async function expectAgreement(table: DeltaTable, name: string): Promise<ContentSummary> {
  const ours = await ourSummary(table);
  expect(engine(python, 'facts', at(name))).toEqual(ours);
  const { version: _, ...content } = ours;
  expect(engine(python, 'duck', ...(await filesOf(table, name)))).toEqual(content);
  return content;
}

describe.runIf(python !== '')('delta-rs and DuckDB', () => {
  test('commits in which an appender took in the files of others', async () => {
    const bucket = memoryBucket();
    await DeltaTable.create(bucket, 'combined', { columns: COLUMNS });
    let others = 0;
    const writers = await Promise.all(
      Array.from({ length: 3 }, () =>
        UniqueAppender.open(
          { store: bucket, path: 'combined' },
          { idColumn: 'id', onCommit: (commit) => (others += commit.others) },
        ),
      ),
    );
    let rows = 0;
    for (let round = 0; others < 5 && round < 200; round++) {
      await Promise.all(
        writers.map((writer, index) => submitAll(writer, `${round}-${index}`, index === 2 ? 500 : 20)),
      );
      rows += 540;
    }
    await Promise.all(writers.map((writer) => writer.close()));
    expect(others).toBeGreaterThanOrEqual(5);
    for await (const { name } of bucket.list()) {
      const stored = await bucket.get(name);
      if (stored) await store.putIfAbsent(name, stored.body);
    }
    const table = await DeltaTable.open(store, 'combined');
    expect(await expectAgreement(table, 'combined')).toMatchObject({ rows, ids: rows });
  });

  describe('read a table of ours', () => {
    let table: DeltaTable;
    let writer: UniqueAppender;

    beforeAll(async () => {
      table = await DeltaTable.create(store, 'ours', { columns: COLUMNS });
      writer = await UniqueAppender.open(table.location, { idColumn: 'id' });
      for (let i = 0; i < 5; i++) await submitAll(writer, `batch${i}`, 1_000);
    });
    afterAll(() => writer.close());

    test('rows, distinct ids and content at the newest version', async () => {
      expect(await expectAgreement(table, 'ours')).toMatchObject({ rows: 5_000, ids: 5_000 });
    });

    test('every version, and the history', async () => {
      for (let version = 0; version <= 5; version++) {
        const theirs = engine(python, 'facts', at('ours'), version);
        expect(theirs).toEqual(await ourSummary(table, { version }));
        expect(theirs.rows).toBe(version * 1_000);
      }
      const theirs = engine<{ version: number; operation: string }[]>(python, 'history', at('ours'));
      const ours = await table.history();
      expect(theirs).toEqual(ours.map(({ version, operation }) => ({ version, operation })));
    });

    test('statistics, as the engines understand them', () => {
      const [file] = engine<Record<string, string>[]>(python, 'stats', at('ours'));
      expect(file).toMatchObject({ num_records: '1000', 'null_count.id': '0', 'null_count.n': '143' });
      expect(file?.['min.at']).toMatch(/^2023-11-14 22:13:20.123000/);
    });

    test('the same content after compaction, and its bloom filters', async () => {
      const before = await ourSummary(table);
      await table.compact({ idColumn: 'id' });
      const { version: _, ...content } = await ourSummary(table);
      expect(content).toEqual({ rows: before.rows, ids: before.ids, hash: before.hash });
      await expectAgreement(table, 'ours');
      const files = await filesOf(table, 'ours');
      expect(files).toHaveLength(1);
      const present = engine<Probe>(python, 'duck_find', idOf('batch2-77'), ...files);
      expect(present).toMatchObject({ groups: 3, found: 1 });
      expect(present.excluded).toBeLessThanOrEqual(2);
      const absent = engine<Probe>(python, 'duck_find', idOf('nobody'), ...files);
      expect(absent).toMatchObject({ groups: 3, found: 0 });
      expect(absent.excluded).toBeGreaterThanOrEqual(2);
    });

    test('the same content from our checkpoint alone, without the commits before it', async () => {
      await table.checkpoint();
      const { version } = await table.snapshot();
      const kept = await ourSummary(table);
      await writer.close();
      // sooner than any retention allows: an appender that lives would take the table for deleted
      for (let old = 0; old < version; old++) {
        await store.delete(`ours/_delta_log/${String(old).padStart(20, '0')}.json`);
      }
      expect(engine(python, 'facts', at('ours'))).toEqual(kept);
      expect(await ourSummary(await DeltaTable.open(store, 'ours'))).toEqual(kept);
      writer = await UniqueAppender.open(table.location, { idColumn: 'id' });
      await submitAll(writer, 'behind', 10);
      await expectAgreement(table, 'ours');
    });

    test('the same content after vacuum, and their vacuum finds nothing more', async () => {
      const before = await ourSummary(table);
      const old = new Date(Date.now() - 8 * 86_400_000);
      await store.putIfAbsent('ours/part-orphan.parquet', new Uint8Array(10));
      await store.setUpdated('ours/part-orphan.parquet', old);
      expect(await table.vacuum({ dryRun: true })).toMatchObject({ files: ['part-orphan.parquet'] });
      expect(engine(python, 'vacuum', at('ours'))).toEqual({ files: 1 });
      await table.vacuum();
      expect(engine(python, 'vacuum', at('ours'))).toEqual({ files: 0 });
      expect(await ourSummary(table)).toEqual(before);
      await expectAgreement(table, 'ours');
    });
  });

  describe('read a table from which rows were erased', () => {
    test('the same rows at every version, the commit in the history, and ingest continues', async () => {
      const table = await DeltaTable.create(store, 'erased', { columns: COLUMNS });
      const writer = await UniqueAppender.open(table.location, { idColumn: 'id' });
      for (let i = 0; i < 4; i++) await submitAll(writer, `batch${i}`, 500);
      await table.compact({ idColumn: 'id' });
      await submitAll(writer, 'late', 100);
      const before = await ourSummary(table);
      const gone = ['batch0-1', 'batch3-77', 'late-5'].map(idOf);
      const [outcome] = await Promise.all([
        eraseRows(table, { id: { in: gone } }, { reason: 'a test' }),
        submitAll(writer, 'beside', 100),
      ]);
      expect(outcome).toMatchObject({ rows: 3, files: 2, isComplete: true });
      expect(await expectAgreement(table, 'erased')).toMatchObject({ rows: 2_197, ids: 2_197 });
      expect(engine(python, 'facts', at('erased'), before.version)).toEqual(before);
      const theirs = engine<{ operation: string }[]>(python, 'history', at('erased'));
      expect(theirs.filter(({ operation }) => operation === 'DELETE')).toHaveLength(1);

      expect((await writer.submit(row('batch0', 1))).kind).toBe('added');
      expect((await writer.submit(row('batch0', 2))).kind).toBe('duplicate');
      await table.checkpoint();
      engine(python, 'delete', at('erased'), `id = '${idOf('late-6')}'`);
      expect(await expectAgreement(await DeltaTable.open(store, 'erased'), 'erased')).toMatchObject({
        rows: 2_197,
      });
      await writer.close();
    });

    test('their filters find long texts and the latest possible time', async () => {
      const table = await DeltaTable.create(store, 'bounds', { columns: COLUMNS });
      const long = `y${'x'.repeat(400)}`;
      const end = 253_402_300_799_999_999n;
      await table.append([
        { id: 'a', note: long, at: end },
        { id: 'b', note: 'short', at: 1n },
      ]);
      await table.append([{ id: 'c', note: 'other', at: 2n }]);
      expect(engine(python, 'matching', at('bounds'), 'note', long)).toEqual({ ids: ['a'] });
      expect(engine(python, 'matching', at('bounds'), 'at', String(end))).toEqual({ ids: ['a'] });
    });
  });

  describe('write to a table of ours', () => {
    test('appends, deletes, optimize, checkpoint and restore in turn: ours continues with each event once', async () => {
      const table = await DeltaTable.create(store, 'shared', { columns: COLUMNS });
      const writer = await UniqueAppender.open(table.location, { idColumn: 'id' });
      await submitAll(writer, 'a', 100);

      engine(python, 'append', at('shared'), 'theirs-', 50);
      expect((await writer.submit({ id: 'theirs-7' })).kind).toBe('duplicate');
      expect((await submitAll(writer, 'b', 100)).every((kind) => kind === 'added')).toBe(true);
      await expectAgreement(table, 'shared');

      // deletes one row of ours and ten of theirs: those ids, and no others, may enter again
      const predicate = `id = '${idOf('a-5')}' or id like 'theirs-1_'`;
      expect(engine(python, 'delete', at('shared'), predicate).rows).toBe(250 - 11);
      expect((await submitAll(writer, 'a', 100)).filter((kind) => kind === 'added')).toHaveLength(1);
      expect((await writer.submit({ id: 'theirs-12' })).kind).toBe('added');
      expect((await writer.submit({ id: 'theirs-2' })).kind).toBe('duplicate');
      await expectAgreement(table, 'shared');

      const optimized = engine<{ rows: number; removed: number; version: number }>(
        python,
        'optimize',
        at('shared'),
      );
      expect(optimized.removed).toBeGreaterThan(1);
      expect((await submitAll(writer, 'b', 100)).every((kind) => kind === 'duplicate')).toBe(true);
      expect((await writer.submit({ id: 'theirs-9' })).kind).toBe('duplicate');
      await expectAgreement(table, 'shared');

      engine(python, 'checkpoint', at('shared'));
      const reopened = await DeltaTable.open(store, 'shared');
      await expectAgreement(reopened, 'shared');

      // restore a version whose files were removed since, then go forward again
      const { version } = await table.snapshot();
      expect(engine(python, 'restore', at('shared'), 1).rows).toBe(100);
      expect((await writer.submit({ id: 'theirs-9' })).kind).toBe('added');
      expect((await submitAll(writer, 'a', 100)).every((kind) => kind === 'duplicate')).toBe(true);
      engine(python, 'restore', at('shared'), version);
      expect((await writer.submit({ id: 'theirs-3' })).kind).toBe('duplicate');
      expect((await submitAll(writer, 'b', 100)).every((kind) => kind === 'duplicate')).toBe(true);
      const content = await expectAgreement(table, 'shared');
      expect(content.ids).toBe(content.rows);

      // a fresh instance that reads the log as it is
      const late = await UniqueAppender.open(table.location, { idColumn: 'id' });
      expect((await submitAll(late, 'a', 100)).every((kind) => kind === 'duplicate')).toBe(true);
      await late.close();
      await table.compact({ idColumn: 'id', minFiles: 2 });
      await table.checkpoint();
      await expectAgreement(table, 'shared');
      await writer.close();
    });

    test('a column that they add is null in older rows, and our writer continues', async () => {
      const table = await DeltaTable.create(store, 'evolving', { columns: COLUMNS });
      const writer = await UniqueAppender.open(table.location, { idColumn: 'id' });
      await submitAll(writer, 'a', 10);
      engine(python, 'add_column', at('evolving'), 'extra');
      await submitAll(writer, 'b', 10);
      expect((await writer.submit({ id: 'with-extra', extra: 'z' })).kind).toBe('added');
      await expectAgreement(table, 'evolving');
      await table.compact({ idColumn: 'id', minFiles: 2 });
      await expectAgreement(table, 'evolving');
      await writer.close();
    });

    test('their overwrite removes all ids', async () => {
      const table = await DeltaTable.create(store, 'overwritten', { columns: COLUMNS });
      const writer = await UniqueAppender.open(table.location, { idColumn: 'id' });
      await submitAll(writer, 'a', 10);
      engine(python, 'overwrite', at('overwritten'), 'new-', 5);
      expect((await writer.submit({ id: 'new-4' })).kind).toBe('duplicate');
      expect((await submitAll(writer, 'a', 10)).every((kind) => kind === 'added')).toBe(true);
      expect(await expectAgreement(table, 'overwritten')).toMatchObject({ rows: 15, ids: 15 });
      await writer.close();
    });

    test("a streaming job's transaction identifier survives our checkpoint", async () => {
      const table = await DeltaTable.create(store, 'streamed', { columns: COLUMNS });
      engine(python, 'transact', at('streamed'), 'job-1', 41);
      await table.checkpoint();
      const { version } = await table.snapshot();
      for (let old = 0; old < version; old++) {
        await store.delete(`streamed/_delta_log/${String(old).padStart(20, '0')}.json`);
      }
      expect(engine(python, 'transaction', at('streamed'), 'job-1')).toEqual({ version: 41 });
      const { txns } = await (await DeltaTable.open(store, 'streamed')).snapshot();
      expect(txns.get('job-1')).toMatchObject({ version: 41 });
    });
  });

  describe('wrote a table that we read', () => {
    test('rows with nulls, big integers and emoji; ids looked up by statistics', async () => {
      const theirs = engine(python, 'create', at('theirs'), 'row-', 1_000);
      const table = await DeltaTable.open(store as ObjectStore, 'theirs');
      expect(await ourSummary(table)).toEqual(theirs);
      await table.append([row('ours', 1)]);
      engine(python, 'delete', at('theirs'), "id = 'row-10'");
      engine(python, 'checkpoint', at('theirs'));
      await expectAgreement(await DeltaTable.open(store, 'theirs'), 'theirs');
    });

    test('a partitioned table: values from the log, paths percent-encoded; writing is refused', async () => {
      const theirs = engine(python, 'create', at('partitioned'), 'row-', 9, 'region');
      const table = await DeltaTable.open(store, 'partitioned');
      expect(await ourSummary(table)).toEqual(theirs);
      const regions = new Set<unknown>();
      for await (const rows of table.scan()) for (const { region } of rows) regions.add(region);
      expect(regions).toEqual(new Set(['a b', 'ü/%', null]));
      await expect(table.append([])).rejects.toMatchObject({ code: 'unsupported-table' });
      await expect(table.checkpoint()).rejects.toMatchObject({ code: 'unsupported-table' });
    });
  });
});

interface Probe {
  groups: number;
  excluded: number;
  found: number;
}

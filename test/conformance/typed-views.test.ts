import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COLUMNS } from '../../functions/ingest/events-table.ts';
import { DeltaTable } from '../../shared/delta/index.ts';
import { type Engine, type View, viewsOf, viewsSql } from '../../shared/lake/views/index.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import { findPython } from '../helpers/delta-engines.ts';
import { findSparkPython, type Spark, startSpark } from '../helpers/delta-spark.ts';
import { dirStore } from '../helpers/dir-store.ts';
import { startMemoryIngest } from '../helpers/ingest-memory.ts';
import { runHere } from '../helpers/lake.ts';
import { messageEvent, structured } from '../helpers/messages.ts';
import { HOSTILE, READINGS, readingMessages } from '../helpers/readings.ts';
import { expectedOf, type Plain } from '../helpers/typed-rows.ts';

const python = findPython() ?? '';
if (python === '')
  console.log('typed views in DuckDB did not run: no python3 here imports deltalake and duckdb');
const sparkPython = findSparkPython() ?? '';
if (sparkPython === '')
  console.log('typed views in Spark did not run: no python3 here imports pyspark and delta');

const canParse = python !== '' && spawnSync(python, ['-c', 'import sqlglot']).status === 0;
if (!canParse) console.log("BigQuery's typed views were not parsed: no python3 here imports sqlglot");

type Rows = Record<string, Plain>[];

const root = mkdtempSync(join(tmpdir(), 'typed-views-'));
const path = join(root, 'events');
const views = viewsOf([...READINGS, HOSTILE], COLUMNS);
const expected = new Map<View, ReturnType<typeof expectedOf>>();

beforeAll(async () => {
  const others = createMemoryStorage();
  const store = dirStore(root);
  const storage = { bucket: (name: string) => (name === 'lake' ? store : others.bucket(name)) };
  const ingest = startMemoryIngest({ storage });
  for (const message of readingMessages()) await ingest.deliver(messageEvent(message));
  expect(ingest.published).toEqual([]);
  const stored = await ingest.rows();
  expect(stored).toHaveLength(readingMessages().length);
  for (const view of views) expected.set(view, expectedOf(view, stored));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const questions = (view: View): string[] => [
  `select * from ${view.name}`,
  `select field, problem, events from ${view.misfits}`,
];

/** Only the columns that come of the data: the others are the table's. */
function ofData(view: View, rows: Rows): Rows {
  const names = ['event_id', view.versionColumn, ...view.fields.map(({ name }) => name)];
  const picked = rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
  return sorted(picked.map((row) => unwrapped(row) as Record<string, Plain>));
}

/** Engines mark JSON, since its numbers are JSON's; and they differ in the sign of 0. */
function unwrapped(value: Plain): Plain {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(unwrapped);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.keys(value).join() === 'json') return value['json']!;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, unwrapped(one)]));
}

const sorted = <T>(rows: readonly T[]): T[] =>
  [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

async function check(ask: (queries: readonly string[]) => Promise<Rows[]>): Promise<void> {
  // that of the hostile type's one version is the same again
  const asked = views.filter(({ type, version }) => type !== HOSTILE.type || version === undefined);
  const answers = await ask(asked.flatMap(questions));
  for (const [at, view] of asked.entries()) {
    const { rows, misfits } = expected.get(view)!;
    expect(ofData(view, answers[at * 2]!), view.name).toEqual(ofData(view, rows));
    expect(sorted(answers[at * 2 + 1]!), view.misfits).toEqual(sorted(misfits));
  }
}

test('the sample has what fits and what does not, in every version', () => {
  const [current, one, two] = views.filter(({ type }) => type === 'reading.taken');
  expect(expected.get(one!)!.rows).toHaveLength(3);
  expect(expected.get(two!)!.rows).toHaveLength(40);
  expect(expected.get(current!)!.rows).toHaveLength(44);
  const wrong = expected.get(two!)!.misfits.filter(({ problem }) => problem === 'wrong');
  expect(wrong.map(({ field }) => field).sort()).toEqual(
    [
      [
        '',
        'at',
        'code',
        'counts',
        'day',
        'good',
        'mixed',
        'price',
        'source',
        'source.id',
        'state',
        'tags',
        'value',
      ],
      ['parts', 'parts[].box', 'parts[].box.width', 'parts[].id', 'parts[].sizes'],
    ]
      .flat()
      .sort(),
  );
});

/** Rows of each query, from a script that is given the table and the views. */
function answersOf(program: string, engine: Engine, events: string) {
  return async (queries: readonly string[]): Promise<Rows[]> => {
    const script = join(root, `${engine}.sql`);
    writeFileSync(script, viewsSql(views, { engine, events, dataset: [] }));
    const args = [fileURLToPath(new URL(program, import.meta.url)), path, script, ...queries];
    // does not block: Vitest gives up a worker that is silent for a minute
    const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 64 * 1024 * 1024 });
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Rows);
  };
}

describe.runIf(python !== '')('DuckDB', () => {
  test('answers from the views as TypeScript does from the rows', async () => {
    await check(answersOf('duckdb_views.py', 'duckdb', path));
  });
});

const duckdbProgram = join(dirname(python), 'duckdb');
const canApply = python.includes('/') && existsSync(duckdbProgram);
if (!canApply) console.log('typed views were not applied: no duckdb beside the python3 that imports duckdb');

describe.runIf(canApply)('pipeline lake views --apply, with the program of DuckDB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'typed-orders-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('creates the views of an app, which answer questions about its events', async () => {
    const store = dirStore(folder);
    const others = createMemoryStorage();
    const ingest = startMemoryIngest({
      storage: { bucket: (name: string) => (name === 'lake' ? store : others.bucket(name)) },
    });
    const order = { orderId: 'ord-1', customerId: 'cust-1', currency: 'EUR', items: [] };
    const item = { productId: 'prod-1', quantity: 2, unitPrice: 5 };
    const events = [
      { dataschema: 'https://shop.example/order.created/1', data: { ...order, total: 10, items: [item] } },
      {
        dataschema: 'https://shop.example/order.created/2.json',
        data: { ...order, total: 7, channel: 'web' },
      },
      { data: { ...order, total: 5, channel: 'web', items: [item, { ...item, quantity: '3' }] } },
      { type: 'payment.failed', data: { orderId: 'ord-1', reason: 'declined' } },
    ];
    for (const [at, event] of events.entries()) {
      await ingest.deliver(messageEvent(structured({ id: `o-${at}`, ...event })));
    }
    const table = await DeltaTable.open(store, 'events');
    const files = [...(await table.snapshot()).files.keys()].map(
      (name) => `'${join(folder, 'events', name)}'`,
    );
    const database = join(folder, 'orders.duckdb');
    const duckdb = (sql: string): string =>
      execFileSync(duckdbProgram, ['-json', database, sql], { encoding: 'utf8' });
    // its extension for Delta has to be downloaded
    duckdb(`create view stored as select * from read_parquet([${files.join(', ')}], union_by_name = true);
      create macro delta_scan(path) as table select * from stored;`);

    const args = [
      'views',
      '--cloud',
      '--engine',
      'duckdb',
      '--app',
      'examples/orders',
      '--events',
      '/events',
    ];
    const env = { PATH: `${dirname(duckdbProgram)}:${process.env['PATH']}` };
    const { code, stderr } = await runHere([...args, '--apply', '--database', database], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/views of orders created/) });

    const question = `select channel, schema_version, sum(total)::int as total, sum(len(items))::int as items
      from order_created group by all order by all`;
    expect(JSON.parse(duckdb(question))).toEqual([
      { channel: 'web', schema_version: '2', total: 12, items: 2 },
      { channel: null, schema_version: '1', total: 10, items: 1 },
    ]);
    expect(JSON.parse(duckdb('select field, problem, events from order_created_misfits'))).toEqual([
      { field: 'items[].quantity', problem: 'wrong', events: 1 },
    ]);
    expect(JSON.parse(duckdb('select reason from payment_failed'))).toEqual([{ reason: 'declined' }]);
    const comment =
      "select comment from duckdb_columns() where table_name = 'payment_failed' and column_name = 'reason'";
    expect(JSON.parse(duckdb(comment))).toEqual([{ comment: 'One of: declined' }]);
  });
});

describe.runIf(canParse)("BigQuery's SQL, in another parser and then in DuckDB", () => {
  test('answers from the views as TypeScript does from the rows', async () => {
    await check(answersOf('bigquery_views.py', 'bigquery', 'lake.events'));
  });
});

describe.runIf(sparkPython !== '')('Spark', () => {
  let spark: Spark;
  beforeAll(async () => {
    spark = await startSpark(sparkPython);
  });
  afterAll(async () => {
    await spark?.stop();
  });

  test('answers from the views as TypeScript does from the rows', async () => {
    await spark.call(
      'run',
      ...viewsSql(views, { engine: 'spark', events: path, dataset: [] })
        .split(/;\n+/)
        .filter((statement) => statement !== ''),
    );
    await check(async (queries) => {
      const answers: Rows[] = [];
      for (const query of queries) answers.push(await spark.call<Rows>('rows', query));
      return answers;
    });
  });
});

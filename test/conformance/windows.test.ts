import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import { findPython } from '../helpers/delta-engines.ts';
import { findSparkPython, SHORT_JAVA } from '../helpers/delta-spark.ts';
import { dirStore } from '../helpers/dir-store.ts';
import { type MemoryIngest, startMemoryIngest } from '../helpers/ingest-memory.ts';
import { runHere } from '../helpers/lake.ts';
import { batch, messageEvent } from '../helpers/messages.ts';
import { recount, salesEvents, spread, windowLines } from '../helpers/sales.ts';

const python = findPython() ?? '';
const sparkPython = findSparkPython() ?? '';
const canRun = python !== '' && sparkPython !== '';
if (!canRun) console.log('windows of sales did not run: they need delta-rs and Spark');

const canParse = python !== '' && spawnSync(python, ['-c', 'import sqlglot']).status === 0;
if (!canParse) console.log('the scheduled query did not run: no python3 here imports sqlglot');

/** Ingest that writes into the folder `events` of another one. */
function ingestInto(root: string): MemoryIngest {
  const others = createMemoryStorage();
  const store = dirStore(root);
  return startMemoryIngest({
    storage: { bucket: (name: string) => (name === 'lake' ? store : others.bucket(name)) },
  });
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const SUBMIT = [
  ['--master', 'local[2]', '--packages', 'io.delta:delta-spark_2.13:4.0.0'],
  ...[
    'spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension',
    'spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog',
    'spark.ui.enabled=false',
    'spark.driver.host=127.0.0.1',
    'spark.driver.bindAddress=127.0.0.1',
    'spark.sql.shuffle.partitions=2',
    'spark.databricks.delta.snapshotPartitions=2',
    'spark.sql.parquet.compression.codec=snappy',
  ].map((conf) => ['--conf', conf]),
  ['pyspark-shell'],
].flat();

describe.runIf(canRun)('windows of sales', () => {
  const root = mkdtempSync(join(tmpdir(), 'windows-'));
  const [events, windows, checkpoint] = ['events', 'windows', 'checkpoint'].map((name) => join(root, name));
  const running = new Set<ChildProcess>();
  const ingest = ingestInto(root);

  afterAll(() => {
    for (const child of running) kill(child);
    rmSync(root, { recursive: true, force: true });
  });

  /** Its own process group, since Spark's JVM is a child. */
  function start(...args: string[]): ChildProcess {
    const places = ['--events', events!, '--windows', windows!, '--checkpoint', checkpoint!];
    const child = spawn(sparkPython, [here('../../examples/analytics/windows.py'), ...places, ...args], {
      cwd: root,
      env: {
        ...process.env,
        ...SHORT_JAVA,
        PYSPARK_SUBMIT_ARGS: SUBMIT.join(' '),
        PYSPARK_PYTHON: sparkPython,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  }

  function kill(child: ChildProcess): void {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  }

  const count = (folder: string, pattern: RegExp): number => {
    try {
      return readdirSync(join(root, folder)).filter((name) => pattern.test(name)).length;
    } catch {
      return 0;
    }
  };
  const merges = (): number => count('windows/_delta_log', /^\d+\.json$/);
  const batches = (): number => count('checkpoint/offsets', /^\d+$/);

  /** Kills a run as soon as a number that it makes grow has grown. */
  async function killAfter(grown: () => number): Promise<void> {
    const before = Math.max(grown(), 1);
    const child = start('--every', '1');
    await vi.waitUntil(() => grown() > before || child.exitCode !== null, { timeout: 240_000, interval: 5 });
    expect(child.exitCode).toBeNull();
    const exited = once(child, 'exit');
    kill(child);
    await exited;
  }

  const publish = (minutesAgo: readonly number[]): Promise<void> =>
    ingest.deliver(messageEvent(batch(salesEvents(minutesAgo))));

  test('killed between the merge and the checkpoint, and in the middle of a batch, it has the sums of a recount', async () => {
    await publish(spread(50, 120));
    // an event of the future counts when it was stored, and makes no other event late
    await publish([-60 * 24 * 365]);
    await killAfter(merges);
    await publish(spread(55, 120));
    await killAfter(batches);
    await publish(spread(40, 60));
    const tooLate = spread(10, 21).map((minutes) => minutes + 150);
    const stored = await ingest.rows();
    await publish(tooLate);
    const last = start();
    let output = '';
    last.stdout!.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    expect(await once(last, 'exit')).toEqual([0, null]);
    expect(JSON.parse(output.trim().split('\n').at(-1)!)).toEqual({ late: expect.any(Number) });
    const found = execFileSync(python, [here('table_rows.py'), windows!], {
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    const rows = JSON.parse(found) as Record<string, string>[];
    expect(windowLines(rows)).toEqual(recount(stored));
    expect(rows.length).toBeGreaterThan(100);
    // Spark starts three times
  }, 900_000);
});

describe.runIf(canParse)("BigQuery's scheduled query, translated for DuckDB", () => {
  const root = mkdtempSync(join(tmpdir(), 'scheduled-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('run twice, it has the sums of a recount', async () => {
    const ingest = ingestInto(root);
    const publish = (minutesAgo: readonly number[]): Promise<void> =>
      ingest.deliver(messageEvent(batch(salesEvents(minutesAgo))));
    await publish(spread(60, 150));
    await publish([-60 * 24 * 365]);
    const stored = await ingest.rows();
    await publish([150, 151]);
    const args = ['views', '--cloud', '--engine', 'duckdb', '--app', 'examples/orders'];
    const { stdout } = await runHere([...args, '--events', join(root, 'events')]);
    writeFileSync(join(root, 'views.sql'), stdout);
    const files = [
      join(root, 'events'),
      join(root, 'views.sql'),
      here('../../examples/analytics/windows.sql'),
    ];
    const found = execFileSync(python, [here('bigquery_windows.py'), ...files], {
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    expect(windowLines(JSON.parse(found) as Record<string, string>[])).toEqual(recount(stored));
  });
});

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ScannedRow } from '../../shared/delta/index.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import { findPython } from '../helpers/delta-engines.ts';
import { findSparkPython } from '../helpers/delta-spark.ts';
import { dirStore } from '../helpers/dir-store.ts';
import { type MemoryIngest, startMemoryIngest } from '../helpers/ingest-memory.ts';
import { batch, cloudEvent, messageEvent } from '../helpers/messages.ts';

const python = findPython() ?? '';
const sparkPython = findSparkPython() ?? '';
const canRun = python !== '' && sparkPython !== '';
if (!canRun) console.log('windows of sales did not run: they need delta-rs and Spark');

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const MINUTE_MS = 60_000;

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
  let ingest: MemoryIngest;
  let serial = 0;

  beforeAll(() => {
    const others = createMemoryStorage();
    const store = dirStore(root);
    ingest = startMemoryIngest({
      storage: { bucket: (name: string) => (name === 'lake' ? store : others.bucket(name)) },
    });
  });
  afterAll(() => {
    for (const child of running) kill(child);
    rmSync(root, { recursive: true, force: true });
  });

  /** Its own process group, since Spark's JVM is a child. */
  function start(...args: string[]): ChildProcess {
    const places = ['--events', events!, '--windows', windows!, '--checkpoint', checkpoint!];
    const child = spawn(sparkPython, [here('../../examples/analytics/windows.py'), ...places, ...args], {
      cwd: root,
      env: { ...process.env, PYSPARK_SUBMIT_ARGS: SUBMIT.join(' '), PYSPARK_PYTHON: sparkPython },
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

  async function publish(minutesAgo: readonly number[]): Promise<void> {
    const made = minutesAgo.map((ago, at) => {
      const id = `w-${serial++}`;
      const time = new Date(Date.now() - ago * MINUTE_MS).toISOString();
      if (at % 7 === 3) {
        const reason = at % 2 === 0 ? 'declined' : 'expired';
        return cloudEvent({ id, time, type: 'payment.failed', data: { orderId: id, reason } });
      }
      const total = at % 11 === 5 ? 'no number' : 1_000_000_000_000 - at;
      const customerId = `cust-${at % 5}`;
      const currency = at % 3 === 0 ? 'USD' : 'EUR';
      return cloudEvent({ id, time, data: { orderId: id, customerId, total, currency } });
    });
    await ingest.deliver(messageEvent(batch(made)));
  }

  const late = (minutes: number, number: number): number[] =>
    Array.from({ length: number }, (_, at) => (at * minutes) / number);

  test('killed between the merge and the checkpoint, and in the middle of a batch, it has the sums of a recount', async () => {
    await publish(late(50, 120));
    // an event of the future counts when it was stored, and makes no other event late
    await publish([-60 * 24 * 365]);
    await killAfter(merges);
    await publish(late(55, 120));
    await killAfter(batches);
    await publish(late(40, 60));
    const tooLate = late(10, 21).map((minutes) => minutes + 150);
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
    const shown = rows.map(({ window_start, measure, key, currency, events, amount }) =>
      [window_start, measure, key, currency, events, String(BigInt(amount!.split('.')[0]!))].join('|'),
    );
    expect(shown.sort()).toEqual(recount(stored).sort());
    expect(rows.length).toBeGreaterThan(100);
    // Spark starts three times
  }, 900_000);
});

/** One line for each window: start in µs, measure, key, currency, events and amount. */
function recount(rows: readonly ScannedRow[]): string[] {
  const sums = new Map<string, { events: number; amount: bigint }>();
  const add = (at: bigint, parts: readonly string[], amount: bigint): void => {
    const key = [at - (at % 60_000_000n), ...parts].join('|');
    const sum = sums.get(key) ?? { events: 0, amount: 0n };
    sums.set(key, { events: sum.events + 1, amount: sum.amount + amount });
  };
  for (const row of rows) {
    const [time, stored] = [microsOf(row['time']), microsOf(row['ingest_time'])];
    const at = time < stored ? time : stored;
    const data = JSON.parse(String(row['data'])) as Record<string, unknown>;
    if (row['type'] === 'payment.failed') add(at, ['failed', String(data['reason']), ''], 0n);
    else {
      const amount = typeof data['total'] === 'number' ? BigInt(data['total']) : 0n;
      add(at, ['sales', '', String(data['currency'])], amount);
      add(at, ['customer', String(data['customerId']), String(data['currency'])], amount);
    }
  }
  return [...sums].map(([key, { events, amount }]) => `${key}|${events}|${amount}`);
}

function microsOf(value: unknown): bigint {
  return value instanceof Date ? BigInt(value.getTime()) * 1_000n : BigInt(value as bigint);
}

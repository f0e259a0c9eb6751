import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { privateBundle } from '../../build.ts';
import { type FunctionProcess, startFunction } from '../../local/function-process.ts';
import { type GcsServer, startGcsServer } from '../../local/gcs/server.ts';
import { freePort } from '../../local/ports.ts';
import { DeltaTable, parseStats, type Snapshot } from '../../shared/delta/index.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { emptyFunction } from '../helpers/empty-function.ts';
import type { LoadResult } from '../helpers/load.ts';
import { startXmlStorage } from '../helpers/xml-storage.ts';
import type { Emit } from './main.ts';

/** Latency of one storage request, in milliseconds. */
const LATENCY = { put: 60, get: 30, absent: 20, list: 30 };
const SECONDS = 8;
const PLAIN_SECONDS = 20;
/** Dollars for 1,000 operations of class A and B: Cloud Storage, standard class, one region. */
const CLASS_A = 0.005;
const CLASS_B = 0.0004;

const run = promisify(execFile);
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Events over HTTP into the table: a functions-framework process, a load generator and the storage server, each in
 * its own process. The same run measures the framework with an empty function, and the naive approach.
 */
export async function bench(emit: Emit): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-ingest-'));
  const bundle = await privateBundle();
  try {
    const empty = await emptyFunction();
    const idle = await startFunction({ name: 'empty', port: await freePort(), env: {}, source: empty.dir });
    const ceiling = await load(idle, { concurrency: 1_000, seconds: 4 }).finally(() => idle.close());
    await empty.remove();
    const gcs = await startGcsServer({ dir, buckets: ['lake', 'state'], latency: LATENCY });
    const process = await startFunction({
      name: 'ingestEvent',
      port: await freePort(),
      env: { LAKE_BUCKET: 'lake', STATE_BUCKET: 'state', STORAGE_API_ENDPOINT: gcs.url },
      source: bundle.dir,
    });
    let best = 0;
    try {
      for (const concurrency of [1, 80, 1_000]) {
        const measured = await measure(process, gcs, { concurrency });
        report(emit, `ingest.${concurrency}`, measured, concurrency === 1_000 ? { bound: 3_000 } : {});
        best = measured.perSecond;
      }
      emit({
        name: 'ingest.framework.1000',
        value: ceiling.perSecond,
        unit: 'requests/s to an empty function',
      });
      const batched = await measure(process, gcs, { concurrency: 80, batch: 50 });
      report(emit, 'ingest.80x50', batched);
    } finally {
      await process.close();
      await gcs.close();
    }
    await besidePlain(emit, best);
  } finally {
    await bundle.remove();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Measured extends LoadResult {
  commits: number;
  classA: number;
  classB: number;
}

interface Load {
  concurrency: number;
  /** Events per request. */
  batch?: number;
  seconds?: number;
}

async function measure(process: FunctionProcess, gcs: GcsServer, options: Load): Promise<Measured> {
  await load(process, { ...options, seconds: 2 });
  const lake = createGcsStorage({ apiEndpoint: gcs.url }).bucket('lake');
  const table = await DeltaTable.open(lake, 'events');
  const before = await table.snapshot();
  gcs.resetStats();
  const result = await load(process, options);
  const { operations } = gcs.stats();
  const count = (name: keyof typeof operations): number => operations[name]?.requests ?? 0;
  const after = await table.snapshot();
  const rows = rowsIn(after) - rowsIn(before);
  // requests in flight at the end were answered, too
  if (result.failed > 0 || rows < result.events) {
    throw new Error(`${result.events} events acknowledged, ${rows} rows, ${result.failed} requests failed`);
  }
  return {
    ...result,
    commits: after.version - before.version,
    classA: count('upload') + count('list'),
    classB: count('stat') + count('read'),
  };
}

function rowsIn({ files }: Snapshot): number {
  return [...files.values()].reduce((sum, { stats }) => sum + (parseStats(stats).numRecords ?? 0), 0);
}

function report(emit: Emit, name: string, measured: Measured, bound: { bound?: number } = {}): void {
  const { perSecond, p50, p95, commits, classA, classB, events, seconds } = measured;
  const millions = 1e6 / events;
  const round = (value: number, digits: number): number => Number(value.toFixed(digits));
  emit({ name, value: perSecond, unit: 'events/s', ...bound });
  emit({ name: `${name}.p50`, value: p50, unit: 'ms' });
  emit({ name: `${name}.p95`, value: p95, unit: 'ms' });
  emit({ name: `${name}.commits`, value: round(commits / seconds, 1), unit: 'commits/s' });
  emit({ name: `${name}.class-a`, value: round(classA * millions, 0), unit: 'operations/million events' });
  emit({ name: `${name}.class-b`, value: round(classB * millions, 0), unit: 'operations/million events' });
  // operations / 1,000 x the price of a thousand
  const dollars = ((classA * CLASS_A + classB * CLASS_B) / 1_000) * millions;
  emit({ name: `${name}.price`, value: round(dollars, 3), unit: '$/million events' });
}

async function load(
  { url }: FunctionProcess,
  { concurrency, batch = 1, seconds = SECONDS }: Load,
): Promise<LoadResult> {
  const prefix = `${concurrency}-${batch}-${Date.now()}`;
  const args = [url, concurrency, seconds, prefix, batch].map(String);
  const { stdout } = await run(globalThis.process.execPath, [
    '--import',
    'tsx',
    path('../helpers/load-process.ts'),
    ...args,
  ]);
  return JSON.parse(stdout) as LoadResult;
}

/** One delta-rs merge, compaction and vacuum per event: over storage with our latency, and on the local disk. */
async function besidePlain(emit: Emit, ours: number): Promise<void> {
  const python = process.env['PEER_PYTHON'] ?? 'python3';
  const plain = async (uri: string, options: Record<string, string>): Promise<number> => {
    const args = [path('plain_ingest.py'), uri, String(PLAIN_SECONDS), JSON.stringify(options)];
    const { stdout } = await run(python, args);
    return (JSON.parse(stdout) as { perSecond: number }).perSecond;
  };
  try {
    await run(python, ['-c', 'import deltalake, pyarrow']);
  } catch {
    process.stderr.write(`bench: no plain way beside it: ${python} has no deltalake and pyarrow\n`);
    return;
  }
  const storage = await startXmlStorage(LATENCY);
  const key = {
    gcs_base_url: storage.url,
    disable_oauth: true,
    client_email: '',
    private_key: '',
    private_key_id: '',
  };
  const options = { google_service_account_key: JSON.stringify(key), allow_http: 'true' };
  const far = await plain('gs://lake/events', options).finally(() => storage.close());
  const dir = await mkdtemp(join(tmpdir(), 'bench-plain-'));
  const near = await plain(join(dir, 'events'), {}).finally(() => rm(dir, { recursive: true, force: true }));
  const ratio = (plainly: number): number => Math.round(ours / plainly);
  emit({ name: 'ingest.plain', value: ours, unit: 'events/s', plain: Number(far.toFixed(2)) });
  emit({ name: 'ingest.plain.ratio', value: ratio(far), unit: 'times delta-rs, same latency', bound: 200 });
  emit({ name: 'ingest.plain.local-disk', value: ours, unit: 'events/s', plain: Number(near.toFixed(2)) });
  emit({ name: 'ingest.plain.local-disk.ratio', value: ratio(near), unit: 'times delta-rs without latency' });
}

import { spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadVersion } from '../../cli/lake/versions.ts';
import { ID_COLUMN } from '../../functions/ingest/events-table.ts';
import { collectRows, DeltaTable, type Row, selectRows } from '../../shared/delta/index.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { openEventsTable } from '../helpers/events-table.ts';
import { startTestGcs, type TestGcs } from '../helpers/gcs.ts';
import type { Emit } from './main.ts';

const ROWS = 1_000_000;
const BATCH = 20_000;
/** One event in this many has type `video.framed`. */
const RARE = 50_000;
const LATENCY = { get: 30, absent: 20, list: 30, put: 60 };
const MB = 1e6;

/**
 * `pipeline lake` on a compacted table of 1,000,000 events in the local storage server with 30 ms per read:
 * one event by its id, a rare type, the newest ten, everything, and verify.
 */
export async function bench(emit: Emit): Promise<void> {
  const gcs = await startTestGcs({ buckets: ['lake'] });
  try {
    const table = await fill(gcs, emit);
    gcs.server.setLatency(LATENCY);
    const id = event(ROWS / 8)[ID_COLUMN] as string;
    const everything = await readEverything(gcs, table, id);

    const looked = await run(gcs, ['query', '--id', id, '--format', 'jsonl']);
    if (looked.lines !== 1) throw new Error(`the look-up printed ${looked.lines} lines instead of one`);
    emit({ name: 'lake.query-id.bytes', value: looked.bytes, unit: 'bytes', plain: everything.bytes });
    emit({ name: 'lake.query-id.requests', value: looked.requests, unit: 'requests' });
    emit({ name: 'lake.query-id.requests-in-a-row', value: await inARow(gcs, id), unit: 'requests' });
    emit({
      name: 'lake.query-id.time',
      value: looked.ms,
      unit: 'ms with start of node',
      plain: everything.ms,
    });

    const rare = await run(gcs, ['query', '--type', 'video.framed', '--format', 'jsonl']);
    if (rare.lines !== ROWS / RARE) throw new Error(`${rare.lines} lines of the rare type`);
    emit({ name: 'lake.query-rare-type.bytes', value: rare.bytes, unit: 'bytes', plain: everything.bytes });
    emit({ name: 'lake.query-rare-type.time', value: rare.ms, unit: 'ms', plain: everything.ms });

    const newest = await run(gcs, ['head', '--format', 'jsonl']);
    emit({ name: 'lake.head.bytes', value: newest.bytes, unit: 'bytes', plain: everything.bytes });
    emit({ name: 'lake.head.time', value: newest.ms, unit: 'ms', plain: everything.ms });

    const all = await run(gcs, ['query', '--format', 'jsonl']);
    if (all.lines !== ROWS) throw new Error(`${all.lines} lines of ${ROWS}`);
    emit({ name: 'lake.query-all.time', value: all.ms, unit: 'ms' });
    emit({ name: 'lake.query-all.memory', value: all.peakMb, unit: 'MB resident at most' });

    const verified = await run(gcs, ['verify']);
    emit({ name: 'lake.verify.time', value: verified.ms, unit: 'ms' });
    emit({ name: 'lake.verify.memory', value: verified.peakMb, unit: 'MB resident at most' });
  } finally {
    await gcs.close();
  }
}

async function fill(gcs: TestGcs, emit: Emit): Promise<DeltaTable> {
  await writeFile(join(gcs.dir, 'endpoints.json'), JSON.stringify({ gcs: gcs.server.url }));
  const table = await openEventsTable(gcs.storage().bucket('lake'), 'events');
  for (let first = 0; first < ROWS; first += BATCH) {
    await table.append(Array.from({ length: BATCH }, (_, index) => event(first + index)));
  }
  const compacted = await run(gcs, ['compact']);
  emit({ name: 'lake.compact.time', value: compacted.ms, unit: 'ms' });
  emit({ name: 'lake.compact.memory', value: compacted.peakMb, unit: 'MB resident at most' });
  await run(gcs, ['checkpoint']);
  const { files, sizeInBytes } = await table.snapshot();
  emit({ name: 'lake.table.files', value: files.size, unit: 'files' });
  emit({ name: 'lake.table.size', value: sizeInBytes, unit: 'bytes' });
  return table;
}

interface Run {
  lines: number;
  /** Bytes sent by storage. */
  bytes: number;
  requests: number;
  ms: number;
  peakMb: number;
}

/** Runs the command in its own process; returns what it read and its peak memory. */
async function run(gcs: TestGcs, args: readonly string[]): Promise<Run> {
  gcs.server.resetStats();
  const [command = '', ...rest] = args;
  const started = performance.now();
  const child = spawn(process.execPath, ['cli/pipeline.js', 'lake', command, '--local', gcs.dir, ...rest], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let lines = 0;
  let peakMb = 0;
  const watch = setInterval(() => {
    peakMb = Math.max(peakMb, peakOf(child.pid));
  }, 50);
  child.stdout.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`pipeline lake ${args.join(' ')}: exit code ${code}`);
  const ms = Math.round(performance.now() - started);
  const { bytesOut, requests } = gcs.server.stats().total;
  return { lines, bytes: bytesOut, requests, ms, peakMb };
}

/** Peak resident size so far, in MB; 0 if the system does not report it. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round((Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024) / MB);
  } catch {
    return 0;
  }
}

/** The naive approach: read every row and pick out the one. */
async function readEverything(
  gcs: TestGcs,
  table: DeltaTable,
  id: string,
): Promise<{ bytes: number; ms: number }> {
  gcs.server.resetStats();
  const started = performance.now();
  const opened = await DeltaTable.open(table.location.store, table.location.path);
  let found = 0;
  for await (const rows of opened.scan()) found += rows.filter((row) => row[ID_COLUMN] === id).length;
  if (found !== 1) throw new Error(`reading everything found ${found} rows instead of one`);
  return { bytes: gcs.server.stats().total.bytesOut, ms: Math.round(performance.now() - started) };
}

/** Number of requests of a lookup that had to wait for another one. */
async function inARow(gcs: TestGcs, id: string): Promise<number> {
  const chain = { longest: 0 };
  const location = { store: chainedStore(gcs.storage().bucket('lake'), chain), path: 'events' };
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const snapshot = await loadVersion(location, { version: undefined, asOf: undefined }, signal);
  const columns = snapshot.fields.map(({ name }) => name);
  const filter = { [ID_COLUMN]: { in: [id] } };
  await collectRows(selectRows(location, snapshot, { columns, filter, keyColumn: ID_COLUMN, signal }));
  return chain.longest;
}

/** Counts every request as caused by the one that ended before it began: an upper bound. */
function chainedStore(inner: ObjectStore, chain: { longest: number }): ObjectStore {
  const link = async <T>(act: () => Promise<T>): Promise<T> => {
    const place = chain.longest + 1;
    const result = await act();
    chain.longest = Math.max(chain.longest, place);
    return result;
  };
  return {
    ...inner,
    stat: (name, options) => link(() => inner.stat(name, options)),
    get: (name, options) => link(() => inner.get(name, options)),
    getRange: (name, offset, length, options) => link(() => inner.getRange(name, offset, length, options)),
    async *list(options) {
      const place = chain.longest + 1;
      for await (const facts of inner.list(options)) {
        chain.longest = Math.max(chain.longest, place);
        yield facts;
      }
    },
  };
}

function event(n: number): Row {
  const name = `order-${n}`;
  const at = BigInt(Date.UTC(2026, 10, 1) + n * 40) * 1_000n;
  const identity = { id: name, source: '//shop/orders' };
  return {
    event_id: eventIdOf(identity),
    ce_id: name,
    source: identity.source,
    type: n % RARE === 0 ? 'video.framed' : 'order.created',
    subject: `order/${n}`,
    time: at,
    dataschema: 'order.created/1',
    correlation_id: `corr-${n >> 3}`,
    causation_id: null,
    ordering_key: null,
    message_id: String(10_000_000 + n),
    publish_time: at + 20_000n,
    ingest_time: at + 90_000n,
    data: `{"order":"${name}","items":[{"sku":"A-${n % 977}","qty":${n % 7},"price":19.99},{"sku":"B-4","qty":1,"price":5}],"customer":{"name":"A. Customer","country":"GB"},"note":"leave at the door"}`,
  };
}

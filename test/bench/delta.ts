import { createHash } from 'node:crypto';
import { type Column, collectRows, DeltaTable, type Row, UniqueAppender } from '../../shared/delta/index.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { newCounts, type StoreCounts, slowStore } from '../helpers/slow-store.ts';

interface Figure {
  name: string;
  value: number;
  unit: string;
  bound?: number;
  plain?: number;
}

const LATENCY = { put: 60, get: 30, absent: 20 };
const ROWS = 1_000_000;
const SECONDS = 5;
/** Dollars for 1,000 operations of class A and B: Cloud Storage, standard class, one region. */
const CLASS_A = 0.005;
const CLASS_B = 0.0004;

const text = (name: string): Column => ({ name, type: 'string' });
const COLUMNS: Column[] = [
  { name: 'event_id', type: 'string', nullable: false },
  ...['ce_id', 'type', 'source', 'subject'].map(text),
  { name: 'time', type: 'timestamp' },
  ...['dataschema', 'correlation_id', 'causation_id', 'ordering_key', 'message_id'].map(text),
  { name: 'publish_time', type: 'timestamp' },
  { name: 'ingest_time', type: 'timestamp' },
  text('data'),
];

/**
 * The appender over a store with injected latency: throughput with 1, 80 and 1,000 concurrent submits, with a
 * million rows in the table and with repeats; memory, cold start, and the lookup of one id.
 */
export async function bench(emit: (figure: Figure) => void): Promise<void> {
  for (const concurrency of [1, 80, 1_000]) {
    const run = await appendFor(await newBucket(), { concurrency });
    const bound = concurrency === 1_000 ? { bound: 3_000 } : {};
    emit({ name: `delta.append.${concurrency}`, value: run.perSecond, unit: 'events/s', ...bound });
    emit({ name: `delta.append.${concurrency}.p50`, value: run.p50, unit: 'ms' });
    emit({ name: `delta.append.${concurrency}.p95`, value: run.p95, unit: 'ms' });
    emit({ name: `delta.append.${concurrency}.commits`, value: run.commitsPerSecond, unit: 'commits/s' });
    emit({ name: `delta.append.${concurrency}.price`, value: run.pricePerMillion, unit: '$/million events' });
  }
  for (const share of [0.1, 0.5]) {
    const value = await compare(newBucket, {}, newBucket, { repeats: { share, of: 'this run' } });
    emit({ name: `delta.duplicates.${share * 100}%`, value, unit: 'of none', bound: 0.8 });
  }
  await withMillionRows(emit);
}

/** Throughput of the second with 1,000 concurrent submits, as a share of the first's; runs alternate. */
async function compare(
  first: () => Promise<ObjectStore>,
  firstOptions: Partial<RunOptions>,
  second: () => Promise<ObjectStore>,
  secondOptions: Partial<RunOptions>,
): Promise<number> {
  let [plain, other] = [0, 0];
  for (let turn = 0; turn < 2; turn++) {
    plain += (await appendFor(await first(), { concurrency: 1_000, ...firstOptions })).perSecond;
    other += (await appendFor(await second(), { concurrency: 1_000, ...secondOptions })).perSecond;
  }
  return round(other / plain, 2);
}

async function withMillionRows(emit: (figure: Figure) => void): Promise<void> {
  const bucket = await newBucket();
  const table = await DeltaTable.open(bucket, 'events');
  const seeded = performance.now();
  const seeder = await UniqueAppender.open(table.location, { idColumn: 'event_id', maxAgeMs: 1 });
  for (let first = 0; first < ROWS; first += 5_000) {
    await Promise.all(
      Array.from({ length: 5_000 }, (_, index) => seeder.submit(event(`old-${first + index}`))),
    );
  }
  await seeder.saveIndex({ force: true });
  await seeder.close();
  emit({ name: 'delta.million.write', value: round((performance.now() - seeded) / 1_000, 1), unit: 's' });

  const compacting = performance.now();
  const compaction = await table.compact({ idColumn: 'event_id' });
  await table.checkpoint();
  emit({
    name: 'delta.million.compact',
    value: round((performance.now() - compacting) / 1_000, 1),
    unit: 's',
  });
  emit({ name: 'delta.million.compact.commits', value: compaction.rewrites, unit: 'commits' });

  const counts = newCounts();
  const slow = slowStore(bucket, LATENCY, counts);
  const starting = performance.now();
  const cold = await UniqueAppender.open({ store: slow, path: 'events' }, { idColumn: 'event_id' });
  emit({ name: 'delta.million.cold-start', value: round(performance.now() - starting, 0), unit: 'ms' });
  emit({
    name: 'delta.million.cold-start.read',
    value: counts.bytesRead,
    unit: 'bytes',
    plain: await bytesOf(table),
  });
  emit({
    name: 'delta.million.memory',
    value: round((cold.facts?.indexBytes ?? 0) / 1e6, 1),
    unit: 'MB of index a million ids',
  });
  await cold.close();

  const million = async (): Promise<ObjectStore> => bucket;
  const growth = await compare(newBucket, {}, million, {});
  emit({ name: 'delta.million.growth', value: growth, unit: 'of empty', bound: 0.7 });
  for (const share of [0.1, 0.5]) {
    const value = await compare(million, {}, million, { repeats: { share, of: 'old rows' } });
    emit({ name: `delta.million.duplicates.${share * 100}%`, value, unit: 'of none', bound: 0.8 });
  }
  await table.compact({ idColumn: 'event_id' });
  await lookUp(bucket, emit);
}

async function lookUp(bucket: ObjectStore, emit: (figure: Figure) => void): Promise<void> {
  const counts = newCounts();
  const table = await DeltaTable.open(slowStore(bucket, LATENCY, counts), 'events');
  const timed = async (
    filter: Record<string, { eq: string }>,
  ): Promise<{ bytes: number; ms: number; rows: number }> => {
    const [bytes, started] = [counts.bytesRead, performance.now()];
    const rows = await collectRows(table.scan({ filter, parallelFiles: 16 }));
    return { bytes: counts.bytesRead - bytes, ms: performance.now() - started, rows: rows.length };
  };
  const found = await timed({ event_id: { eq: idOf('old-123456') } });
  // subjects are unordered, so every row is read
  const all = await timed({ subject: { eq: 'order/old-123456' } });
  if (found.rows !== 1) throw new Error(`the look-up found ${found.rows} rows instead of one`);
  emit({ name: 'delta.million.look-up.bytes', value: found.bytes, unit: 'bytes', plain: all.bytes });
  emit({
    name: 'delta.million.look-up.time',
    value: round(found.ms, 0),
    unit: 'ms',
    plain: round(all.ms, 0),
  });
}

interface RunOptions {
  concurrency: number;
  repeats?: { share: number; of: 'this run' | 'old rows' };
}

interface Run {
  perSecond: number;
  p50: number;
  p95: number;
  commitsPerSecond: number;
  pricePerMillion: number;
}

let serial = 0;

/** Submits for a few seconds, `concurrency` at a time, each once the previous one is answered. */
async function appendFor(bucket: ObjectStore, { concurrency, repeats }: RunOptions): Promise<Run> {
  const counts = newCounts();
  let commits = 0;
  const appender = await UniqueAppender.open(
    { store: slowStore(bucket, LATENCY, counts), path: 'events' },
    { idColumn: 'event_id', checkpointEvery: 10, onCommit: () => commits++ },
  );
  const first = serial;
  const next = (): Row => {
    if (repeats && Math.random() < repeats.share && serial > first) {
      if (repeats.of === 'old rows') return event(`old-${Math.floor(Math.random() * ROWS)}`);
      return event(`new-${first + Math.floor(Math.random() * (serial - first))}`);
    }
    return event(`new-${serial++}`);
  };
  Object.assign(counts, newCounts());
  const started = performance.now();
  const end = started + SECONDS * 1_000;
  const latencies: number[] = [];
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const sent = performance.now();
      await appender.submit(next());
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  const seconds = (performance.now() - started) / 1_000;
  await appender.close();
  latencies.sort((a, b) => a - b);
  return {
    perSecond: round(latencies.length / seconds, 0),
    p50: round(latencies[Math.floor(latencies.length * 0.5)] ?? 0, 0),
    p95: round(latencies[Math.floor(latencies.length * 0.95)] ?? 0, 0),
    commitsPerSecond: round(commits / seconds, 1),
    pricePerMillion: round((priceOf(counts) / latencies.length) * 1e6, 3),
  };
}

function priceOf({ puts, lists, gets }: StoreCounts): number {
  return ((puts + lists) * CLASS_A + gets * CLASS_B) / 1_000;
}

async function newBucket(): Promise<ObjectStore> {
  const bucket = createMemoryStorage().bucket('lake');
  await DeltaTable.create(bucket, 'events', { columns: COLUMNS });
  return bucket;
}

async function bytesOf(table: DeltaTable): Promise<number> {
  return (await table.snapshot()).sizeInBytes;
}

function idOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

function event(name: string): Row {
  const now = new Date();
  return {
    event_id: idOf(name),
    ce_id: name,
    type: 'order.created',
    source: '//shop/orders',
    subject: `order/${name}`,
    time: now,
    dataschema: 'order.created/1',
    correlation_id: `corr-${name}`,
    causation_id: null,
    ordering_key: null,
    message_id: name,
    publish_time: now,
    ingest_time: now,
    data: `{"order":"${name}","items":[{"sku":"A-17","qty":2,"price":19.99},{"sku":"B-4","qty":1,"price":5}],"customer":{"name":"A. Customer","country":"GB"},"note":"leave at the door"}`,
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

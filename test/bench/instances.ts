import { createHash } from 'node:crypto';
import { type Column, DeltaTable, type Row, UniqueAppender } from '../../shared/delta/index.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import { newCounts, slowStore } from '../helpers/slow-store.ts';
import type { Emit } from './main.ts';

const LATENCY = { put: 60, get: 30, absent: 20 };
const SECONDS = 5;
/** Not measured: instances meet for the first time, and code is compiled. */
const WARM_UP_MS = 1_000;
/** Dollars for 1,000 operations of class A and B: Cloud Storage, standard class, one region. */
const CLASS_A = 0.005;
const CLASS_B = 0.0004;
/** Appenders, and requests in flight at each. */
const SHAPES = [
  [1, 80],
  [1, 400],
  [2, 200],
  [4, 100],
  [4, 400],
  [8, 80],
  [16, 80],
  [1, 1_000],
] as const;
const COLUMNS: Column[] = [
  { name: 'event_id', type: 'string', nullable: false },
  { name: 'type', type: 'string' },
  { name: 'source', type: 'string' },
  { name: 'ingest_time', type: 'timestamp' },
  { name: 'data', type: 'string' },
];

interface Run {
  perSecond: number;
  /** Share of the fastest appender's events that the slowest had. */
  evenness: number;
  latencies: number[];
  commitsPerSecond: number;
  writes: number;
  reads: number;
}

/**
 * Several appenders on one table, as instances are on one log. Bounds: adding appenders must add throughput, and their
 * latency must stay near that of one alone.
 */
export async function bench(emit: Emit): Promise<void> {
  const runs = new Map<string, Run>();
  for (const [appenders, inFlight] of SHAPES) {
    const shape = `${appenders}x${inFlight}`;
    const run = await append(appenders, inFlight);
    runs.set(shape, run);
    const name = (figure: string): string => `instances.${shape}.${figure}`;
    emit({ name: name('rate'), value: round(run.perSecond, 0), unit: 'events/s' });
    for (const share of [50, 95, 99]) {
      emit({ name: name(`p${share}`), value: percentile(run, share), unit: 'ms' });
    }
    if (appenders > 1)
      emit({ name: name('evenness'), value: round(run.evenness, 2), unit: 'slowest / fastest' });
    emit({ name: name('commits'), value: round(run.commitsPerSecond, 1), unit: 'commits/s' });
    const perMillion = 1e6 / run.latencies.length;
    emit({ name: name('writes'), value: round(run.writes * perMillion, 0), unit: 'class A/million events' });
    emit({ name: name('reads'), value: round(run.reads * perMillion, 0), unit: 'class B/million events' });
    const dollars = ((run.writes * CLASS_A + run.reads * CLASS_B) / 1_000) * perMillion;
    emit({ name: name('price'), value: round(dollars, 3), unit: '$/million events' });
  }
  const rate = (shape: string): number => runs.get(shape)?.perSecond ?? 0;
  const p95 = (shape: string): number => percentile(runs.get(shape), 95);
  const spread = round(rate('4x100') / rate('1x400'), 2);
  emit({ name: 'instances.4x100.of-1x400', value: spread, unit: 'of its rate', bound: 0.8 });
  emit({
    name: 'instances.8x80.of-1x80',
    value: round(rate('8x80') / rate('1x80'), 2),
    unit: 'of its rate',
    bound: 1,
  });
  const wait = round(p95('16x80') / p95('1x80'), 2);
  emit({ name: 'instances.16x80.p95.of-1x80', value: wait, unit: 'of its p95', bound: 3 });
}

/** Each client submits a new event once its last one is answered. */
async function append(appenders: number, inFlight: number): Promise<Run> {
  const bucket = createMemoryStorage().bucket('lake');
  const table = await DeltaTable.create(bucket, 'events', { columns: COLUMNS });
  const counts = newCounts();
  const location = { store: slowStore(bucket, LATENCY, counts), path: 'events' };
  const instances = await Promise.all(
    Array.from({ length: appenders }, () =>
      UniqueAppender.open(location, { idColumn: 'event_id', checkpointEvery: 50 }),
    ),
  );
  const begins = performance.now() + WARM_UP_MS;
  const ends = begins + SECONDS * 1_000;
  const latencies: number[] = [];
  const done = instances.map(() => 0);
  const client = async (appender: UniqueAppender, instance: number, name: string): Promise<void> => {
    for (let serial = 0; performance.now() < ends; serial++) {
      const sent = performance.now();
      await appender.submit(event(`${name}-${serial}`));
      const answered = performance.now();
      if (answered < begins || answered > ends) continue;
      latencies.push(answered - sent);
      done[instance] = (done[instance] ?? 0) + 1;
    }
  };
  const clients = instances.flatMap((appender, instance) =>
    Array.from({ length: inFlight }, (_, index) => client(appender, instance, `${instance}-${index}`)),
  );
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  Object.assign(counts, newCounts());
  const first = (await table.snapshot()).version;
  await Promise.all(clients);
  const { puts, lists, gets } = counts;
  const { version } = await table.snapshot();
  await Promise.all(instances.map((appender) => appender.close()));
  return {
    perSecond: latencies.length / SECONDS,
    evenness: Math.min(...done) / Math.max(...done),
    latencies: latencies.sort((a, b) => a - b),
    commitsPerSecond: (version - first) / SECONDS,
    writes: puts + lists,
    reads: gets,
  };
}

function event(name: string): Row {
  return {
    event_id: createHash('sha256').update(name).digest('hex'),
    type: 'order.created',
    source: '//shop/orders',
    ingest_time: new Date(),
    data: `{"order":"${name}","items":[{"sku":"A-17","qty":2,"price":19.99},{"sku":"B-4","qty":1,"price":5}],"note":"leave at the door"}`,
  };
}

/** In ms, whole. */
function percentile(run: Run | undefined, share: number): number {
  const sorted = run?.latencies ?? [];
  return round(sorted[Math.floor((sorted.length * share) / 100)] ?? 0, 0);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

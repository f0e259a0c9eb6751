import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { privateBundle } from '../../build.ts';
import { ingestEvent } from '../../functions/ingest/definition.ts';
import { type FunctionProcess, startFunction } from '../../local/function-process.ts';
import { startGcsServer } from '../../local/gcs/server.ts';
import { DeltaTable } from '../../shared/delta/index.ts';
import { createGcsStorage } from '../../shared/storage/gcs.ts';
import { binaryRequest } from '../helpers/events.ts';
import { messageEvent, pubsubMessage, structured } from '../helpers/messages.ts';
import type { Emit } from './main.ts';

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 90);
const RATE = Number(process.env['SOAK_RATE'] ?? 300);
/** Latency of one storage request, in milliseconds. */
const LATENCY = { put: 60, get: 30, absent: 20, list: 30 };
const MAINTENANCE_MS = 10_000;
const TICK_MS = 20;
/** Most bytes by which the minimum of the last quarter may exceed that of the second. */
const MAX_GROWTH = 64 * 1024 ** 2;
const MB = 1024 ** 2;

/**
 * A steady rate of events into one `ingestEvent`, with `maintainTable` running beside it: events lost or duplicated,
 * redeliveries, and memory over time. Throws if an event is missing or stored twice, or if memory grows.
 */
export async function bench(emit: Emit): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-soak-'));
  const bundle = await privateBundle();
  const gcs = await startGcsServer({ dir, buckets: ['lake', 'state'], latency: LATENCY });
  const env = { LAKE_BUCKET: 'lake', STATE_BUCKET: 'state', STORAGE_API_ENDPOINT: gcs.url };
  const start = (name: string): Promise<FunctionProcess> =>
    startFunction({ name, port: 0, env, source: bundle.dir });
  const [ingest, maintenance] = await Promise.all([start('ingestEvent'), start('maintainTable')]);
  const stop = new AbortController();
  try {
    const memory = sampleMemory(ingest, stop.signal);
    const runs = maintain(maintenance, stop.signal);
    const sent = await send(ingest.url);
    stop.abort();
    const [samples, maintained] = await Promise.all([memory, runs]);

    emit({ name: 'soak.events', value: sent.events, unit: 'events' });
    emit({ name: 'soak.rate', value: Math.round(sent.events / sent.seconds), unit: 'events/s' });
    emit({ name: 'soak.p50', value: sent.latency(0.5), unit: 'ms' });
    emit({ name: 'soak.p99', value: sent.latency(0.99), unit: 'ms' });
    emit({ name: 'soak.came-again', value: sent.failures.length, unit: 'requests', bound: 0 });
    emit({ name: 'soak.maintained', value: maintained, unit: 'runs' });
    for (const part of [0, 1, 2, 3]) {
      emit({ name: `soak.memory.quarter-${part + 1}`, value: least(samples, part), unit: 'MB, the least' });
    }
    emit({ name: 'soak.memory.most', value: Math.round(Math.max(...samples) / MB), unit: 'MB' });

    await check(createGcsStorage({ apiEndpoint: gcs.url }).bucket('lake'), sent.events);
    if (sent.failures.length > 0) process.stderr.write(`soak: came again: ${countOf(sent.failures)}\n`);
    const grown = (least(samples, 3) - least(samples, 1)) * MB;
    if (grown > MAX_GROWTH) {
      throw new Error(`memory may grow by ${MAX_GROWTH / MB} MB, got ${Math.round(grown / MB)} MB`);
    }
  } finally {
    stop.abort();
    await Promise.all([ingest.close(), maintenance.close()]);
    await gcs.close();
    await bundle.remove();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Sent {
  events: number;
  seconds: number;
  /** Results of requests that were not acknowledged and so were delivered again. */
  failures: (number | string)[];
  /** Latency in milliseconds at a quantile. */
  latency(share: number): number;
}

/** Sends requests by the clock, whether or not earlier ones were answered. */
async function send(url: string): Promise<Sent> {
  // more connections than the platform opens would overflow the accept queue
  const agent = new Agent({ keepAlive: true, maxSockets: ingestEvent.instance.concurrency });
  const failures: (number | string)[] = [];
  const latencies: number[] = [];
  const underWay: Promise<void>[] = [];
  const started = performance.now();
  const deliver = async (id: string): Promise<void> => {
    const event = messageEvent(structured({ id, data: { order: id, note: 'n'.repeat(400) } }));
    for (;;) {
      const sentAt = performance.now();
      const result = await post(url, event, agent);
      latencies.push(performance.now() - sentAt);
      if (result === 204) return;
      failures.push(result);
      await sleep(100);
    }
  };
  for (let events = 0; ; await sleep(TICK_MS)) {
    const elapsed = Math.min(SECONDS, (performance.now() - started) / 1_000);
    while (events < Math.floor(elapsed * RATE)) underWay.push(deliver(`soak-${events++}`));
    if (elapsed >= SECONDS) break;
  }
  await Promise.all(underWay);
  agent.destroy();
  latencies.sort((a, b) => a - b);
  return {
    events: underWay.length,
    seconds: (performance.now() - started) / 1_000,
    failures,
    latency: (share) => Math.round(latencies[Math.floor((latencies.length - 1) * share)] ?? 0),
  };
}

/** The response's status, or the error's code. */
function post(url: string, event: Record<string, unknown>, agent: Agent): Promise<number | string> {
  const { headers, body } = binaryRequest(event);
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', headers, agent }, (response) => {
      response.resume();
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
  });
}

/** For example `204: 3, ECONNRESET: 1`. */
function countOf(results: readonly (number | string)[]): string {
  const counts = new Map<number | string, number>();
  for (const result of results) counts.set(result, (counts.get(result) ?? 0) + 1);
  return [...counts].map(([result, count]) => `${result}: ${count}`).join(', ');
}

/** Resident bytes, once a second; empty if the system does not report them. */
async function sampleMemory({ pid }: FunctionProcess, signal: AbortSignal): Promise<number[]> {
  const samples: number[] = [];
  while (!signal.aborted) {
    try {
      const [, kilobytes = ''] =
        /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid()}/status`, 'utf8')) ?? [];
      samples.push(Number(kilobytes) * 1_024);
    } catch {
      return samples;
    }
    await sleep(1_000, undefined, { signal }).catch(() => undefined);
  }
  return samples;
}

/** Fires the maintenance as the schedule does, only more often; returns the number of runs. */
async function maintain({ url }: FunctionProcess, signal: AbortSignal): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  let runs = 0;
  while (!signal.aborted) {
    await sleep(MAINTENANCE_MS, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted && (await post(url, messageEvent(pubsubMessage({ data: '{}' })), agent)) === 204)
      runs++;
  }
  agent.destroy();
  return runs;
}

/** Minimum of a quarter of the samples, in MB: garbage only ever raises memory above it. */
function least(samples: readonly number[], quarter: number): number {
  const size = samples.length / 4;
  return Math.round(
    Math.min(...samples.slice(Math.floor(quarter * size), Math.ceil((quarter + 1) * size))) / MB,
  );
}

async function check(lake: Parameters<typeof DeltaTable.open>[0], events: number): Promise<void> {
  const seen = new Set<unknown>();
  let rows = 0;
  for await (const found of (await DeltaTable.open(lake, 'events')).scan({ columns: ['ce_id'] })) {
    for (const { ce_id: id } of found) seen.add(id);
    rows += found.length;
  }
  if (rows === events && seen.size === events) return;
  throw new Error(`table must have ${events} events once, got ${seen.size} in ${rows} rows`);
}

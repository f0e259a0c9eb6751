import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { maintainTable } from '../../functions/maintain/maintain-table.ts';
import type { Fault, FaultAction } from '../../local/gcs/faults.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { DeltaTable } from '../../shared/delta/index.ts';
import { createMemoryStorage } from '../../shared/storage/memory.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { binaryRequest } from '../helpers/events.ts';
import { type IngestScene, startIngest } from '../helpers/ingest.ts';
import { binary, messageEvent, structured } from '../helpers/messages.ts';
import { randomFrom } from '../helpers/random.ts';

/** The checks of a commit set CHAOS_EVENTS. */
const EVENTS = Number(process.env['CHAOS_EVENTS'] ?? 2_000);
const INSTANCES = 3;
const AT_A_TIME = 240;
const SEED = 20261121;

const FAULTS: readonly [FaultAction, Fault['operations']][] = [
  [{ kind: 'status', status: 503 }, undefined],
  [{ kind: 'drop' }, undefined],
  [{ kind: 'cut', afterBytes: 60 }, ['read']],
  [{ kind: 'corrupt' }, ['read']],
  // the write is done, but its answer is lost or says that another writer did it
  [{ kind: 'applied-status', status: 412 }, ['upload']],
  [{ kind: 'applied-status', status: 503 }, ['upload']],
  [{ kind: 'applied-drop' }, ['upload']],
];

test(`${EVENTS} events to ${INSTANCES} processes that are killed, over failing storage: each is in the table once`, {
  timeout: 120_000 + EVENTS * 60,
}, async () => {
  const random = randomFrom(SEED);
  const scene = await startIngest({
    instances: INSTANCES,
    env: { FLUSH_ROWS: '200', CHECKPOINT_COMMITS: '10' },
  });
  const agent = new Agent({ keepAlive: true });
  const chaos = new AbortController();
  try {
    const beside = [
      killing(scene, random, chaos.signal),
      failing(scene, random, chaos.signal),
      // these two share no lease: the log alone must keep them apart
      maintaining(scene.lake, chaos.signal),
      maintaining(scene.lake, chaos.signal),
    ];
    const deliveries = await deliverAll(scene, random, agent);
    chaos.abort();
    const [kills, faults, ...maintained] = await Promise.all(beside);
    process.stdout.write(
      `chaos: ${EVENTS} events, ${deliveries} deliveries, ${kills} kills, ${faults} storage faults, ${maintained.join(' + ')} maintenance runs\n`,
    );
    expect(deliveries).toBeGreaterThan(EVENTS * 1.1);
    for (const count of [kills, faults, ...maintained]) expect(count).toBeGreaterThan(0);

    const ids = await idsIn(scene.lake);
    const once = new Set(ids);
    expect(ids.length - once.size, 'events that are there twice').toBe(0);
    const missing = Array.from({ length: EVENTS }, (_, index) => `e-${index}`).filter((id) => !once.has(id));
    expect(missing, 'events that are missing').toEqual([]);
    expect(once.size).toBe(EVENTS);
    expect(await stateOf(scene.lake)).toEqual(await stateOf(await withoutCheckpoints(scene.lake)));
  } finally {
    chaos.abort();
    agent.destroy();
    await scene.close();
  }
});

/** Delivers every event until it is acknowledged, some twice concurrently; returns the number of deliveries. */
async function deliverAll(scene: IngestScene, random: () => number, agent: Agent): Promise<number> {
  let deliveries = 0;
  let next = 0;
  const untilAcknowledged = async (event: Record<string, unknown>): Promise<void> => {
    for (;;) {
      deliveries++;
      const { url } = scene.processes[Math.floor(random() * INSTANCES)]!;
      const status = await deliver(url, event, agent);
      if (status >= 200 && status < 300) return;
      await sleep(20 + 200 * random());
    }
  };
  const lane = async (): Promise<void> => {
    while (next < EVENTS) {
      const id = `e-${next++}`;
      const event = messageEvent(random() < 0.5 ? structured({ id }) : binary({ id }));
      const copies = random() < 0.2 ? 2 : 1;
      await Promise.all(Array.from({ length: copies }, () => untilAcknowledged(event)));
      // a late duplicate, long after the first delivery
      if (random() < 0.02) await untilAcknowledged(event);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  return deliveries;
}

function deliver(url: string, event: Record<string, unknown>, agent: Agent): Promise<number> {
  const { headers, body } = binaryRequest(event);
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', headers, agent, timeout: 60_000 }, (response) => {
      response.resume();
      response.on('error', () => resolve(0));
      response.on('close', () => resolve(response.statusCode ?? 0));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(0));
    sent.end(body);
  });
}

async function killing(scene: IngestScene, random: () => number, signal: AbortSignal): Promise<number> {
  for (let kills = 0; ; ) {
    await pause(1_000 + 2_000 * random(), signal);
    if (signal.aborted) return kills;
    const pid = scene.processes[Math.floor(random() * INSTANCES)]!.pid();
    try {
      process.kill(pid!, 'SIGKILL');
      kills++;
    } catch {
      // the process is just restarting
    }
  }
}

async function failing(scene: IngestScene, random: () => number, signal: AbortSignal): Promise<number> {
  const { faults } = scene.gcs.server;
  for (let met = 0; ; ) {
    const [action, operations] = FAULTS[Math.floor(random() * FAULTS.length)]!;
    faults.add({ action, bucket: 'lake', ...(operations && { operations }) });
    await pause(200 * random(), signal);
    if (signal.aborted || faults.list().length > 100) {
      met += faults.list().reduce((sum, fault) => sum + fault.met, 0);
      faults.clear();
    }
    if (signal.aborted) return met;
  }
}

/** Repeats compaction, checkpoint, clean-up and vacuum; the next run does what a failed one left. */
async function maintaining(lake: ObjectStore, signal: AbortSignal): Promise<number> {
  const state = createMemoryStorage().bucket('state');
  for (let runs = 0; ; ) {
    await pause(300, signal);
    if (signal.aborted) return runs;
    const done = await maintainTable({
      lake,
      path: 'events',
      idColumn: 'event_id',
      state,
      maxMs: 20_000,
      clock: systemClock,
      signal: new AbortController().signal,
    }).catch(() => undefined);
    if (done?.outcome === 'maintained' && done.error === undefined) runs++;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await systemClock.sleep(ms, signal).catch(() => undefined);
}

async function idsIn(lake: ObjectStore): Promise<string[]> {
  const ids: string[] = [];
  const table = await DeltaTable.open(lake, 'events');
  for await (const rows of table.scan({ columns: ['ce_id'] }))
    for (const row of rows) ids.push(String(row['ce_id']));
  return ids;
}

/** State according to the log, with or without checkpoints. */
async function stateOf(store: ObjectStore): Promise<unknown> {
  const { version, files, metadata, protocol } = await (await DeltaTable.open(store, 'events')).snapshot();
  const live = [...files.values()].map(({ path, size, stats }) => ({ path, size, stats }));
  return { version, metadata, protocol, files: live.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** The same log without checkpoints: every commit has to be replayed. */
async function withoutCheckpoints(lake: ObjectStore): Promise<ObjectStore> {
  const copy = createMemoryStorage().bucket('copy');
  for await (const { name } of lake.list({ prefix: 'events/_delta_log/' })) {
    if (!/\/\d{20}\.json$/.test(name)) continue;
    await copy.putIfAbsent(name, (await lake.get(name))!.body);
  }
  return copy;
}

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { startFunction } from '../../local/function-process.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { listEffects } from '../../shared/patterns/effect-records.ts';
import { readRecord } from '../../shared/records/record.ts';
import { type Charge, startProvider } from '../helpers/effect-provider.ts';
import { functionBundle } from '../helpers/function-bundle.ts';
import { startTestGcs } from '../helpers/gcs.ts';
import { randomFrom } from '../helpers/random.ts';

/** `.ci/run` sets EFFECTS to 500; a run of 10,000 takes about a quarter of an hour. */
const EVENTS = Number(process.env['EFFECTS'] ?? 60);
const INSTANCES = 3;
/** Far fewer in flight per process than are charged between two kills; otherwise nothing would ever finish. */
const AT_A_TIME = EVENTS < 500 ? 12 : 30;
/** One charge in this many kills its process at once, and one acknowledgement in this many kills any process. */
const KILL_EVERY = EVENTS < 500 ? 25 : 200;
/** A process that the machine stalls for longer counts as dead, and long runs meet such stalls without a kill. */
const LEASE_MS = EVENTS < 1_000 ? 3_000 : 10_000;
const SEED = 20261121;
const timeout = 90_000 + EVENTS * 300;

const ENTRY = fileURLToPath(new URL('../helpers/effect-function.ts', import.meta.url));
const SOURCE = 'https://shop.example';

interface Outcome {
  /** Charges of each event, in the order of arrival. */
  byEvent: Map<string, Charge[]>;
  /** Error code of each refused event. */
  refused: Map<string, string>;
  /** Events whose effect is on record as done. */
  done: Set<string>;
  killed: ReadonlySet<number>;
  deliveries: number;
}

/** Delivers every event until it is acknowledged, some twice concurrently, to processes that are killed. */
async function run(onUnknown: 'again' | 'stop', events = EVENTS, plugins: Plugin[] = []): Promise<Outcome> {
  const random = randomFrom(SEED);
  const killed = new Set<number>();
  const kill = (pid: number | undefined): void => {
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
      killed.add(pid);
    } catch {
      // the process is just restarting
    }
  };
  const provider = await startProvider(({ pid }, index) => {
    if (index % KILL_EVERY === 10) kill(pid);
  });
  const gcs = await startTestGcs({ buckets: ['state'] });
  const bundle = await functionBundle(ENTRY, plugins);
  const env = {
    STATE_BUCKET: 'state',
    STORAGE_API_ENDPOINT: gcs.server.url,
    PROVIDER_URL: provider.url,
    ON_UNKNOWN: onUnknown,
    LEASE_MS: String(LEASE_MS),
  };
  const processes = await Promise.all(
    Array.from({ length: INSTANCES }, () =>
      startFunction({ name: 'chargeCard', port: 0, env, source: bundle.dir }),
    ),
  );
  const agent = new Agent({ keepAlive: true });
  let deliveries = 0;
  let acknowledged = 0;
  const end = Date.now() + timeout - 20_000;
  const anyProcess = () => processes[Math.floor(random() * INSTANCES)]!;
  const untilAcknowledged = async (id: string): Promise<void> => {
    for (;;) {
      deliveries++;
      const status = await deliver(anyProcess().url, id, agent);
      if (status >= 200 && status < 300) {
        if (++acknowledged % KILL_EVERY === 0) kill(anyProcess().pid());
        return;
      }
      if (Date.now() > end)
        throw new Error(`${id} must be acknowledged in ${timeout} ms; ${acknowledged} were`);
      await sleep(50 + 300 * random());
    }
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < events) {
      const id = `e-${next++}`;
      const copies = random() < 0.3 ? 2 : 1;
      await Promise.all(Array.from({ length: copies }, () => untilAcknowledged(id)));
      // a late duplicate, long after the first delivery
      if (random() < 0.05) await untilAcknowledged(id);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, lane));
    const state = gcs.storage().bucket('state');
    const [refused, done] = [new Map<string, string>(), new Set<string>()];
    for (let index = 0; index < events; index++) {
      const id = `e-${index}`;
      const eventId = eventIdOf({ id, source: SOURCE });
      const refusal = await readRecord<{ code: string }>(state, `refused/chargeCard/${eventId}.json`);
      if (refusal) refused.set(id, refusal.code);
      const [effect] = await listEffects(state, { function: 'chargeCard', eventId }, Date.now());
      if (effect?.state === 'done') done.add(id);
    }
    return {
      byEvent: grouped(provider.charges),
      refused,
      done,
      killed,
      deliveries,
    };
  } finally {
    agent.destroy();
    await Promise.all(processes.map((one) => one.close()));
    await Promise.all([gcs.close(), provider.close(), bundle.remove()]);
  }
}

function grouped(charges: readonly Charge[]): Map<string, Charge[]> {
  const byEvent = new Map<string, Charge[]>();
  for (const charge of charges) byEvent.set(charge.event, [...(byEvent.get(charge.event) ?? []), charge]);
  return byEvent;
}

function deliver(url: string, id: string, agent: Agent): Promise<number> {
  const body = JSON.stringify({ specversion: '1.0', id, source: SOURCE, type: 'order.paid', data: { id } });
  const headers = {
    'content-type': 'application/cloudevents+json',
    'content-length': Buffer.byteLength(body),
  };
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

const idsOf = (events: number): string[] => Array.from({ length: events }, (_, index) => `e-${index}`);

/** Violations that no run may have, whether or not the provider honours keys and whatever `onUnknown` says. */
function violations({ byEvent, refused, done, killed }: Outcome, events = EVENTS): string[] {
  return idsOf(events).flatMap((id) => {
    const charges = byEvent.get(id) ?? [];
    const found: string[] = [];
    if (new Set(charges.map(({ key }) => key)).size > 1) found.push(`${id}: more than one key`);
    if (!done.has(id) && !refused.has(id)) found.push(`${id}: acknowledged, neither done nor refused`);
    if (done.has(id) && charges.length === 0) found.push(`${id}: done without a charge`);
    // each process that charged earlier must have been killed before it could record that
    const earlier = charges.slice(0, -1);
    if (!earlier.every(({ pid }) => killed.has(pid))) found.push(`${id}: charged twice without a kill`);
    return found;
  });
}

/** With `stop`, a kill in the window is a refusal and never a second charge. */
function stopViolations({ byEvent, refused, killed }: Outcome, events = EVENTS): string[] {
  return idsOf(events).flatMap((id) => {
    const charges = byEvent.get(id) ?? [];
    const found: string[] = [];
    if (charges.length > 1) found.push(`${id}: charged ${charges.length} times`);
    const code = refused.get(id);
    if (code === undefined) return found;
    if (code !== 'effect-unknown') found.push(`${id}: refused with ${code}`);
    if (!charges.every(({ pid }) => killed.has(pid))) found.push(`${id}: unknown without a kill`);
    return found;
  });
}

const doubled = ({ byEvent }: Outcome): number =>
  [...byEvent.values()].filter((charges) => charges.length > 1).length;

function report(name: string, outcome: Outcome): void {
  const { deliveries, killed, refused, byEvent } = outcome;
  process.stdout.write(
    `effects, ${name}: ${byEvent.size} of ${EVENTS} events charged in ${deliveries} deliveries, ` +
      `${killed.size} kills, ${doubled(outcome)} charged twice, ${refused.size} refused\n`,
  );
}

describe(`${EVENTS} events with duplicates to ${INSTANCES} processes that are killed`, () => {
  test('again: one effect each if the provider honours keys; else doubles only if a kill fell into the window', {
    timeout,
  }, async () => {
    const outcome = await run('again');
    report('again', outcome);
    expect(violations(outcome)).toEqual([]);
    expect([...outcome.refused]).toEqual([]);
    expect(outcome.done.size).toBe(EVENTS);
    // a provider that honours keys has one effect per key, and each event has one key
    const keys = new Set([...outcome.byEvent.values()].flat().map(({ key }) => key));
    expect(keys.size).toBe(EVENTS);
    expect(outcome.killed.size).toBeGreaterThan(EVENTS / KILL_EVERY / 2);
    expect(doubled(outcome)).toBeGreaterThan(0);
  });

  test('stop: nothing is charged twice, and each effect that may have happened is a refusal', {
    timeout,
  }, async () => {
    const outcome = await run('stop');
    report('stop', outcome);
    expect(violations(outcome)).toEqual([]);
    expect(stopViolations(outcome)).toEqual([]);
    // every event that is not refused has its one effect
    expect(outcome.done.size + outcome.refused.size).toBe(EVENTS);
    expect(outcome.refused.size).toBeGreaterThan(0);
  });
});

test('without the started record the same kills cause second charges', {
  timeout,
}, async () => {
  const source = await readFile(new URL('../../shared/patterns/effect.ts', import.meta.url), 'utf8');
  const line = 'const created = await state.putIfAbsent(this.#names.started';
  const forgetful = source.replace(
    line,
    `if (this.#run) return readDone(state, this.#names.done, signal);\n${line}`,
  );
  expect(forgetful).not.toBe(source);
  const outcome = await run('stop', 60, [
    {
      name: 'forgetful',
      setup: (build) =>
        build.onLoad({ filter: /shared\/patterns\/effect\.ts$/ }, () => ({
          contents: forgetful,
          loader: 'ts',
        })),
    },
  ]);
  expect(stopViolations(outcome, 60).join()).toMatch(/charged 2 times/);
});

import { expect, test } from 'vitest';
import type { FaultAction } from '../../local/gcs/faults.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { AppError } from '../../shared/core/errors.ts';
import { patternOf } from '../../shared/dead-letters/fingerprint.ts';
import { letterOf } from '../../shared/dead-letters/letter-id.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { recordFailure } from '../../shared/records/failures.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { type InspectorScene, startInspector } from '../helpers/inspector.ts';
import { forwarding } from '../helpers/letters.ts';
import { randomFrom } from '../helpers/random.ts';

/** The long run sets 10,000. */
const LETTERS = Number(process.env['DEAD_LETTERS'] ?? 500);
const GROUPS = 50;
const INSTANCES = 2;
/** A full row for each dead letter, whatever their number. */
const IN_FULL = { INSPECT_FULL_PER_GROUP: '100000', INSPECT_FULL_PER_HOUR: '100000' };
const SEED = 20261122;
/** The write is done, but its answer is lost or says that another writer did it. */
const FAULTS: readonly FaultAction[] = [
  { kind: 'status', status: 503 },
  { kind: 'applied-status', status: 412 },
  { kind: 'applied-status', status: 503 },
  { kind: 'applied-drop' },
];
const SOURCE = '//shop/orders';

/** The cause of one group. Its messages differ only in what grouping ignores. */
interface Cause {
  way: 'refused' | 'given-up';
  code: 'schema-violation' | 'denied';
  message(serial: number): string;
}
const CAUSES: readonly Cause[] = Array.from({ length: GROUPS }, (_, group) => {
  const field = `field${String.fromCharCode(97 + (group % 26))}${'z'.repeat(Math.floor(group / 26))}`;
  return group % 5 === 0
    ? {
        way: 'given-up',
        code: 'denied',
        message: (serial) => `put gs://lake/${field}/part-${serial}: 403, ${field}`,
      }
    : {
        way: 'refused',
        code: 'schema-violation',
        message: (serial) => `data/${field} is "${serial}"; must be number`,
      };
});

test(`${LETTERS} dead letters in ${GROUPS} groups, inspectors killed and duplicates delivered: each is kept once`, {
  timeout: 300_000 + LETTERS * 60,
}, async () => {
  const random = randomFrom(SEED);
  const scene = await startInspector({ instances: INSTANCES, env: { CHECKPOINT_COMMITS: '10', ...IN_FULL } });
  const chaos = new AbortController();
  try {
    const started = Date.now();
    const killing = kill(scene, random, chaos.signal);
    const failing = fail(scene, random, chaos.signal);
    let copies = 0;
    for (let from = 0; from < LETTERS; from += 500) {
      const serials = Array.from({ length: Math.min(500, LETTERS - from) }, (_, step) => from + step);
      await Promise.all(serials.map((serial) => recordAttempts(scene.state, serial)));
      const messages = serials.flatMap((serial) => {
        const count = random() < 0.2 ? 2 : 1;
        copies += count;
        return Array.from({ length: count }, () => deadLetter(serial));
      });
      await scene.publish(messages);
    }
    await expect.poll(scene.waiting, { timeout: 240_000 + LETTERS * 55, interval: 200 }).toBe(0);
    chaos.abort();
    const [kills, faults] = await Promise.all([killing, failing]);
    const seconds = (Date.now() - started) / 1_000;
    process.stdout.write(
      `chaos: ${LETTERS} dead letters, ${copies} messages, ${kills} kills, ${faults} storage faults, ${seconds.toFixed(1)} s\n`,
    );
    expect(copies).toBeGreaterThan(LETTERS * 1.1);
    expect(kills).toBeGreaterThan(0);
    expect(faults).toBeGreaterThan(0);

    const letters = await scene.letters();
    const wanted = Array.from({ length: LETTERS }, (_, serial) =>
      letterOf('ingestEvent', eventIdFor(serial)),
    );
    expect(letters.map(({ letter }) => letter).sort()).toEqual(wanted.sort());
    expect(letters.filter(({ deaths, status }) => deaths !== 1 || status !== 'open')).toEqual([]);

    const counts = new Map<string, { count: number; way: string; code: string; pattern: string }>();
    for (const { group, way, code, pattern } of letters) {
      const known = counts.get(group) ?? { count: 0, way, code, pattern };
      expect({ way, code, pattern }).toEqual({ way: known.way, code: known.code, pattern: known.pattern });
      counts.set(group, { ...known, count: known.count + 1 });
    }
    const found = [...counts.values()].map(
      ({ count, way, code, pattern }) => `${count} ${way} ${code} ${pattern}`,
    );
    const told = CAUSES.map(({ way, code, message }, group) => {
      const count = Math.ceil((LETTERS - group) / GROUPS);
      return `${count} ${way} ${code} ${patternOf(message(0))}`;
    });
    expect(found.sort()).toEqual(told.sort());
    expect(counts.size).toBe(GROUPS);

    const rows = await scene.rows();
    const entries = await deathIds(scene.state);
    expect(rows.map((row) => String(row['death_id'])).sort()).toEqual(entries.sort());
    const groupOfRow = new Map(rows.map((row) => [row['letter'], row['group']]));
    expect(letters.filter(({ letter, group }) => groupOfRow.get(letter) !== group)).toEqual([]);
    // a kill between an entry and its line loses the line; nothing writes it twice
    const lines = scene.logs
      .filter((line) => line['outcome'] === 'dead-letter')
      .map((line) => line['letter']);
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines.length).toBeGreaterThan(LETTERS / 2);
  } finally {
    chaos.abort();
    await scene.close();
  }
});

function eventIdFor(serial: number): string {
  return eventIdOf({ id: `order-${serial}`, source: SOURCE });
}

async function recordAttempts(state: ObjectStore, serial: number): Promise<void> {
  const { way, code, message } = CAUSES[serial % GROUPS]!;
  if (way !== 'given-up') return;
  const error = new AppError(code, message(serial));
  const at = new Date('2026-11-21T10:00:00Z');
  const failure = { function: 'ingestEvent', eventId: eventIdFor(serial), error, trace: undefined, at };
  await recordFailure(state, failure);
}

/** A dead letter as a function publishes a refusal, or as Pub/Sub forwards a given-up message. */
function deadLetter(serial: number): OutgoingMessage {
  const { way, code, message } = CAUSES[serial % GROUPS]!;
  const event = {
    specversion: '1.0',
    id: `order-${serial}`,
    source: SOURCE,
    type: 'order.created',
    data: {},
  };
  const published = new Date(Date.parse('2026-11-21T09:00:00Z') + serial).toISOString();
  const attributes =
    way === 'given-up'
      ? forwarding('eventarc-ingestEvent', { CloudPubSubDeadLetterSourceTopicPublishTime: published })
      : {
          deadLetterForm: 'original',
          deadLetterCode: code,
          deadLetterReason: message(serial),
          deadLetterFunction: 'ingestEvent',
          deadLetterEventId: eventIdFor(serial),
          deadLetterMessageId: String(serial),
          deadLetterTime: published,
        };
  return {
    data: JSON.stringify(event),
    attributes: { 'content-type': 'application/cloudevents+json', ...attributes },
  };
}

/** Kills after every fortieth of the letters, not by time: on a slow machine timed kills would leave no progress. */
async function kill(scene: InspectorScene, random: () => number, signal: AbortSignal): Promise<number> {
  const step = Math.max(10, LETTERS / 40);
  for (let kills = 0, next = 1; ; ) {
    await systemClock.sleep(100, signal).catch(() => undefined);
    if (signal.aborted) return kills;
    const done = scene.logs.filter((line) => line['outcome'] === 'dead-letter').length;
    if (done < next) continue;
    next = done + step * (0.5 + random());
    try {
      process.kill(scene.processes[Math.floor(random() * INSTANCES)]!.pid()!, 'SIGKILL');
      kills++;
    } catch {
      // the process is just restarting
    }
  }
}

async function fail(scene: InspectorScene, random: () => number, signal: AbortSignal): Promise<number> {
  const { faults } = scene.gcs.server;
  for (let met = 0; ; ) {
    const action = FAULTS[Math.floor(random() * FAULTS.length)]!;
    const bucket = random() < 0.5 ? 'state' : 'lake';
    faults.add({ action, bucket, operations: ['upload'] });
    await systemClock.sleep(400 * random(), signal).catch(() => undefined);
    if (!signal.aborted && faults.list().length < 100) continue;
    met += faults.list().reduce((sum, fault) => sum + fault.met, 0);
    faults.clear();
    if (signal.aborted) return met;
  }
}

async function deathIds(state: ObjectStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { name } of state.list({ prefix: 'dead-letters/' })) {
    const found = /^dead-letters\/(\w+)\/death-(\w+)\.json$/.exec(name);
    if (found) ids.push(`${found[1]}/${found[2]}`);
  }
  return ids;
}

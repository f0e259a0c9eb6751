import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inspectDeadLetter } from '../../functions/dead-letter/definition.ts';
import { AppError } from '../../shared/core/errors.ts';
import { eventIdOf } from '../../shared/events/cloud-event.ts';
import { recordFailure } from '../../shared/records/failures.ts';
import { type InspectorScene, startInspector } from '../helpers/inspector.ts';
import { forwarding } from '../helpers/letters.ts';

const LETTERS = Number(process.env['STORM_LETTERS'] ?? 3_000);
/** The default of INSPECT_FULL_PER_GROUP. */
const PER_GROUP = 100;
/** Latency of one storage request, in ms. */
const LATENCY = 40;
const SOURCE = '//shop/orders';

const idOf = (serial: number): string => eventIdOf({ id: `order-${serial}`, source: SOURCE });
const dataOf = (serial: number): string =>
  JSON.stringify({
    specversion: '1.0',
    id: `order-${serial}`,
    source: SOURCE,
    type: 'order.created',
    data: {},
  });
const published = (serial: number): string => new Date(Date.UTC(2026, 10, 21, 9) + serial).toISOString();

const refused = (serial: number) => ({
  data: dataOf(serial),
  attributes: {
    'content-type': 'application/cloudevents+json',
    deadLetterForm: 'original',
    deadLetterCode: 'schema-violation',
    deadLetterReason: `data/total is "${serial}"; must be number`,
    deadLetterFunction: 'ingestEvent',
    deadLetterEventId: idOf(serial),
    deadLetterMessageId: String(serial),
    deadLetterTime: published(serial),
  },
});
const givenUp = (serial: number) => ({
  data: dataOf(serial),
  attributes: {
    'content-type': 'application/cloudevents+json',
    ...forwarding('eventarc-ingestEvent', { CloudPubSubDeadLetterSourceTopicPublishTime: published(serial) }),
  },
});

test.each([
  { kind: 'refused', letters: LETTERS, messageOf: refused },
  { kind: 'given up', letters: Math.ceil(LETTERS / 3), messageOf: givenUp },
])(
  'a storm of letters that were $kind: each is recorded, one instance drains it, and the log stays short',
  {
    timeout: 300_000,
  },
  async ({ kind, letters, messageOf }) => {
    const scene = await startInspector();
    try {
      const serials = Array.from({ length: letters }, (_, serial) => serial);
      if (kind === 'given up') await recordFailures(scene, serials);
      scene.gcs.server.faults.add({ action: { kind: 'delay', ms: LATENCY }, times: null });
      const before = requestsOf(scene);
      const worked = cpuMs(scene);
      const started = Date.now();
      for (let from = 0; from < letters; from += 500) {
        await scene.publish(serials.slice(from, from + 500).map(messageOf));
      }
      await expect.poll(scene.waiting, { timeout: 280_000, interval: 100 }).toBe(0);
      const seconds = (Date.now() - started) / 1_000;
      const requests = requestsOf(scene) - before;
      const cpu = (cpuMs(scene) - worked) / letters;
      scene.gcs.server.faults.clear();
      const found = await scene.letters();
      const lines = scene.logs.filter((line) => line['outcome'] === 'dead-letter').length;
      const rows = (await scene.rows()).length;
      // sequential requests that each letter in flight waits for
      const waits = kind === 'given up' ? 3 : 1;
      const { concurrency } = inspectDeadLetter.instance;
      const rate = 1_000 / Math.max(cpu, (waits * LATENCY + cpu) / concurrency);
      process.stdout.write(
        `storm: ${letters} letters ${kind} in ${seconds.toFixed(0)} s with ${LATENCY} ms a request; ${cpu.toFixed(1)} ms of CPU and ${(requests / letters).toFixed(2)} requests a letter: ${rate.toFixed(0)} a second on a CPU of its own; ${lines} lines, ${rows} rows\n`,
      );
      expect(new Set(found.map(({ letter }) => letter)).size).toBe(letters);
      expect(new Set(found.map(({ group }) => group)).size).toBe(1);
      expect(rate).toBeGreaterThan(30);
      // the letters of one group that are logged in full, and those in flight when the bound was reached
      expect(lines).toBeGreaterThanOrEqual(PER_GROUP);
      expect(lines).toBeLessThanOrEqual(PER_GROUP + concurrency);
      expect(rows).toBe(lines);
      // the record; for given-up letters also the list of failures and the last one; and a share of the letters in full
      const looks = kind === 'given up' ? 3 : 1;
      expect(requests / letters).toBeLessThan(looks + (4 * lines) / letters + 0.5);
      const counted = scene.logs.filter((line) => line['message'] === 'dead letters counted');
      expect(counted.length).toBeLessThan(3 + letters / 1_000 + seconds / 60);
      const told = counted.reduce((sum, line) => sum + Number(line['count']), 0);
      expect(told).toBeGreaterThan(0);
      expect(told).toBeLessThanOrEqual(letters - lines);
    } finally {
      await scene.close();
    }
  },
);

/** CPU time of the one instance, unaffected by other load. Linux reports it in hundredths of a second. */
function cpuMs({ processes: [one] }: InspectorScene): number {
  const stat = readFileSync(`/proc/${one?.pid()}/stat`, 'utf8');
  const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number);
  return (user + system) * 10;
}

function requestsOf({ gcs }: InspectorScene): number {
  return gcs.server.stats().total.requests;
}

async function recordFailures({ state }: InspectorScene, serials: readonly number[]): Promise<void> {
  const at = new Date('2026-11-21T10:00:00Z');
  for (let from = 0; from < serials.length; from += 50) {
    await Promise.all(
      serials.slice(from, from + 50).map((serial) => {
        const error = new AppError('denied', `put gs://lake/part-${serial}: 403`);
        return recordFailure(state, {
          function: 'ingestEvent',
          eventId: idOf(serial),
          error,
          trace: undefined,
          at,
        });
      }),
    );
  }
}

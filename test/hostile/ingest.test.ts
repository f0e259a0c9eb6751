import { describe, expect, test } from 'vitest';
import { DeltaTable } from '../../shared/delta/index.ts';
import type { IngestScene } from '../helpers/ingest.ts';
import { largeBatch, largeEvent, messageOf } from './helpers/bulk.ts';
import { canLimitMemory } from './helpers/memory-limit.ts';
import { endedInTable, eventNeighbours } from './helpers/neighbours.ts';
import { type Confined, confinedIngest } from './helpers/scenes.ts';
import { type Delivery, type SendReport, sendAll } from './helpers/sender.ts';

const EVENT = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
/** Time limit for one process and one storage server on the same two cores, in ms. */
const LONG = 1_200_000;

interface Attack {
  scene: IngestScene & Confined;
  attack: SendReport;
  neighbours: SendReport;
}

/** Runs the attack and 200 innocent neighbours concurrently; returns the results of both. */
async function attack(
  name: string,
  deliveries: readonly Delivery[],
  check: (seen: Attack) => Promise<void> | void,
): Promise<void> {
  const scene = await confinedIngest();
  try {
    const url = scene.processes[0]!.url;
    // the attacker comes first, so that every neighbour meets the attack
    const attacking = sendAll(url, deliveries, { timeoutMs: LONG });
    const neighbours = await sendAll(url, eventNeighbours(), { timeoutMs: LONG });
    const seen = { scene, attack: await attacking, neighbours };
    process.stdout.write(
      `hostile: ${name}: ${JSON.stringify(seen.attack)}; neighbours ${JSON.stringify(neighbours)}; ${scene.told()}\n`,
    );
    expect(scene.crashes).toEqual([]);
    expect(scene.memory().oomKills).toBe(0);
    expect(neighbours.givenUp).toBe(0);
    await endedInTable(scene);
    await check(seen);
  } finally {
    await scene.close();
  }
}

/** Number of ids in the table that begin with a prefix, and of their rows. */
async function idsWith(scene: IngestScene, prefix: string): Promise<{ ids: number; rows: number }> {
  const ids = new Set<string>();
  let rows = 0;
  for await (const found of (await DeltaTable.open(scene.lake, 'events')).scan({ columns: ['ce_id'] })) {
    for (const { ce_id: id } of found) {
      if (!String(id).startsWith(prefix)) continue;
      ids.add(String(id));
      rows++;
    }
  }
  return { ids: ids.size, rows };
}

const repeated = (count: number, make: (index: number) => Delivery): Delivery[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe.skipIf(!canLimitMemory)('ingestEvent in 1 GiB', () => {
  test.each([40_000, 1_000_000])(
    'numbers of %i digits that end with a one',
    async (digits) => {
      const number = `1${'0'.repeat(digits - 2)}1`;
      const deliveries = repeated(20, (index) =>
        messageOf('application/json', `{"n":${number},"index":${index}}`),
      );
      await attack(`20 numbers of ${digits} digits`, deliveries, ({ attack: { givenUp, results } }) => {
        expect(givenUp).toBe(0);
        // each must become a row or a dead letter at once: a time-out would be a failed attempt
        expect(Object.keys(results).filter((result) => result !== '204' && result !== '429')).toEqual([]);
      });
    },
    LONG,
  );

  test.each([
    ['objects with nothing in them', '{}'],
    ['numbers', '1'],
    ['arrays in arrays', '[[]]'],
  ])(
    'batches of 10 MB of %s',
    async (_what, item) => {
      const text = `[${`${item},`.repeat(Math.floor(10_000_000 / (item.length + 1)))}${item}]`;
      const deliveries = repeated(8, () => messageOf(BATCH, text));
      await attack(`8 batches of ${item}`, deliveries, async ({ scene, attack: { givenUp } }) => {
        expect(givenUp).toBe(0);
        const letters = await scene.deadLetters();
        expect(letters).toHaveLength(8);
        expect(new Set(letters.map(({ attributes }) => attributes['deadLetterCode']))).toEqual(
          new Set(['too-large']),
        );
      });
    },
    LONG,
  );

  test(
    'batches of the maximum number of small events',
    async () => {
      const small = (id: string) => `{"specversion":"1.0","id":"${id}","source":"s","type":"t"}`;
      const batchOf = (index: number): string =>
        `[${Array.from({ length: 10_000 }, (_, at) => small(`small-${index}-${at}`)).join()}]`;
      const deliveries = repeated(16, (index) => messageOf(BATCH, batchOf(index)));
      await attack(
        '16 batches of 10,000 small events',
        deliveries,
        async ({ scene, attack: { givenUp } }) => {
          expect(givenUp).toBe(0);
          expect(await idsWith(scene, 'small-')).toEqual({ ids: 160_000, rows: 160_000 });
        },
      );
    },
    LONG,
  );

  test(
    'batches of the maximum number of bad events',
    async () => {
      const batchOf = (index: number): string =>
        `[${Array.from({ length: 10_000 }, (_, at) => `{"id":"${index}-${at}"}`).join()}]`;
      const deliveries = repeated(4, (index) => messageOf(BATCH, batchOf(index)));
      await attack('4 batches of 10,000 bad events', deliveries, ({ scene, attack: { givenUp } }) => {
        expect(givenUp).toBe(0);
        const refused = scene.logs.filter(({ message }) => message === 'event refused');
        expect(new Set(refused.map(({ eventId }) => eventId)).size).toBe(40_000);
      });
    },
    LONG,
  );

  test(
    'a thousand events of one megabyte, all at once',
    async () => {
      const deliveries = repeated(1_000, (index) => largeEvent(`large-${index}`, 1_000_000));
      await attack('1,000 x 1 MB', deliveries, async ({ scene, attack: { givenUp }, neighbours }) => {
        expect(givenUp).toBe(0);
        expect(await idsWith(scene, 'large-')).toEqual({ ids: 1_000, rows: 1_000 });
        expect(neighbours.mostAttempts, 'small events have room of their own').toBe(1);
      });
    },
    LONG,
  );

  test(
    'two hundred batches of 9.9 MB, all at once',
    async () => {
      const deliveries = repeated(200, (index) => largeBatch(`large-${index}`, 20, 495_000));
      await attack('200 x 9.9 MB', deliveries, async ({ scene, attack: { givenUp }, neighbours }) => {
        expect(givenUp).toBe(0);
        expect(await idsWith(scene, 'large-')).toEqual({ ids: 4_000, rows: 4_000 });
        expect(neighbours.mostAttempts, 'small events have room of their own').toBe(1);
      });
    },
    LONG,
  );

  test(
    'nesting deeper than the stack, and an endless string',
    async () => {
      const deliveries = [
        ...repeated(10, () => messageOf('application/json', '['.repeat(5_000_000))),
        ...repeated(10, () => messageOf(EVENT, `{"specversion":"1.0","id":"${'x'.repeat(5_000_000)}`)),
      ];
      await attack('20 texts of 5 MB that are no JSON', deliveries, ({ attack: { givenUp } }) => {
        expect(givenUp).toBe(0);
      });
    },
    LONG,
  );
});

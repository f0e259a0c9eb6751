import { describe, expect, test } from 'vitest';
import { batch, messageEvent, pubsubMessage } from '../helpers/messages.ts';
import { canLimitMemory } from './helpers/memory-limit.ts';
import { deliveryOf, endedInTable, eventNeighbours } from './helpers/neighbours.ts';
import { confinedIngest } from './helpers/scenes.ts';
import { type Delivery, sendAll } from './helpers/sender.ts';

const fill = (unit: string, size: number): string => unit.repeat(Math.floor(size / unit.length));

/** In base64 this is 10 MB, the most a push carries. */
const SIZE = 7_000_000;
const ATTACKS: Record<string, () => Record<string, unknown>> = {
  'a batch of one event of zeros': () => batch([], { data: `[[${fill('0,', SIZE)}0]]` }),
  'a hundred thousand members out of order': () =>
    pubsubMessage({ data: `{${Array.from({ length: 90_000 }, (_, n) => `"${99_999 - n}":0`).join(',')}}` }),
  'ten thousand bad events and large attributes': () =>
    batch([], {
      data: `[${fill('0,', 19_998)}0]`,
      attributes: {
        'content-type': 'application/cloudevents-batch+json',
        ...Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`attribute-${n}`, 'x'.repeat(1_000)])),
      },
    }),
};

describe.skipIf(!canLimitMemory)('messages that would expand far beyond their size', () => {
  test.each(Object.entries(ATTACKS))('%s: no kill, and the neighbours succeed', async (name, make) => {
    const scene = await confinedIngest();
    try {
      const attack: Delivery = deliveryOf(messageEvent(make()));
      const sent = [
        ...eventNeighbours(),
        ...Array<Delivery>(name.startsWith('ten thousand') ? 1 : 2).fill(attack),
      ];
      const report = await sendAll(scene.processes[0]!.url, sent);
      process.stdout.write(`hostile: ${name}: ${report.seconds} s, ${scene.told()}\n`);
      await endedInTable(scene);
      expect(scene.crashes).toEqual([]);
      expect(report.givenUp).toBe(0);
    } finally {
      await scene.close();
    }
  });
});

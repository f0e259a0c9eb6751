import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AppError } from '../../../../shared/core/errors.ts';
import { carryOut, type Decider } from '../../../../shared/patterns/decider.ts';
import { read } from '../../../../shared/patterns/event-store.ts';
import { inbox } from '../../../../shared/patterns/inbox.ts';
import { enqueue } from '../../../../shared/patterns/outbox.ts';
import { relay } from '../../../../shared/patterns/relay.ts';
import { createPool } from '../../database/pool.ts';
import type { Postgres } from '../helpers/postgres.ts';
import { Topic } from '../helpers/topic.ts';

type Added = { type: 'added'; data: { delivery: string } };

const log: Decider<number, string, Added, never> = {
  initial: 0,
  shape: 1,
  decide: (delivery) => ({ kind: 'accepted', events: [{ type: 'added', data: { delivery } }] }),
  evolve: (count) => count + 1,
};

const WRITERS = 6;
const EACH = 25;

/** A server that restarts while it is written to. */
export function restartSuite(server: () => Postgres): void {
  test.each(['fast', 'crash'] as const)(
    'the server restarts (%s) under writers and relays: what was answered is stored, once, and published in order',
    async (how) => {
      const pool = createPool({ url: server().url, connections: 12 });
      const topic = new Topic();
      const stream = `restarted-${how}`;
      let unavailable = 0;
      let isWriting = true;
      /** As Pub/Sub delivers it: again until it is settled. */
      const deliver = async (delivery: string): Promise<void> => {
        for (;;) {
          try {
            await pool.transaction(async (sql) => {
              if (!(await inbox(sql, stream, delivery))) return;
              const { version } = await carryOut(sql, log, stream, delivery);
              const id = `${stream}.${version}`;
              await enqueue(sql, [
                {
                  ...{ topic: 'events', id, type: 'added', data: '{}', orderingKey: stream },
                  attributes: { 'ce-id': id },
                },
              ]);
            });
            return;
          } catch (error) {
            // nothing else may come of a restart
            if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
            unavailable++;
            await delay(20);
          }
        }
      };
      const writing = Promise.all(
        Array.from({ length: WRITERS }, async (_, writer) => {
          for (let n = 0; n < EACH; n++) {
            await deliver(`${writer}-${n}`);
            await delay(4);
          }
        }),
      ).finally(() => {
        isWriting = false;
      });
      const publish = (): Promise<unknown> =>
        relay(pool, { publisher: topic, topicNamed: (key) => key, leaseMs: 300 }).catch((error) => {
          expect(error).toMatchObject({ code: 'unavailable' });
        });
      const relaying = (async () => {
        while (isWriting) await Promise.all([publish(), publish(), delay(5)]);
      })();
      for (let restarts = 0; restarts < 3; restarts++) {
        await delay(80);
        await server().restart(how);
      }
      await Promise.all([writing, relaying]);
      const events = await read(pool, stream);
      const deliveries = events.map(({ data }) => (data as Added['data']).delivery);
      expect(new Set(deliveries).size).toBe(WRITERS * EACH);
      expect(events).toHaveLength(WRITERS * EACH);
      expect(unavailable).toBeGreaterThan(0);
      await expect
        .poll(async () => {
          await publish();
          return topic.idsOf(stream).length;
        })
        .toBe(events.length);
      expect(topic.idsOf(stream)).toEqual(events.map(({ version }) => `${stream}.${version}`));
      await pool.close();
    },
  );
}

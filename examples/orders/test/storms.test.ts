import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineApp } from '../../../shared/app/define-app.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { createLogger } from '../../../shared/core/log.ts';
import type { OutgoingMessage } from '../../../shared/gcp/pubsub.ts';
import { type Deliver, openHandler } from '../../../shared/invocation/event-handler.ts';
import { messageHandler, messageWork } from '../../../shared/invocation/message-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { inbox } from '../../../shared/patterns/inbox.ts';
import { enqueue } from '../../../shared/patterns/outbox.ts';
import { createMemoryStorage } from '../../../shared/storage/memory.ts';
import { messageEvent, structured } from '../../../test/helpers/messages.ts';
import type { Pool } from '../database/pool.ts';
import { freshPool } from './helpers/database.ts';

/** Each function answers one type with `answers` events of another, through the outbox. */
const CHAIN = {
  updateInventory: { takes: 'order.changed', sends: 'inventory.changed' },
  updatePrice: { takes: 'inventory.changed', sends: 'price.changed' },
  updateOrder: { takes: 'price.changed', sends: 'order.changed' },
} as const;

type Name = keyof typeof CHAIN;
const NAMES = Object.keys(CHAIN) as Name[];

const DEAD = 'projects/demo/topics/dead';
const env = { STATE_BUCKET: 'state', EVENTS_TOPIC: 'projects/demo/topics/events', DEAD_LETTER_TOPIC: DEAD };

const definitions = NAMES.map((name) =>
  defineFunction({
    name,
    trigger: messagePublished({ topic: 'events', types: [CHAIN[name].takes] }),
    instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
    roles: [],
    load: async () => messageHandler({ types: [CHAIN[name].takes], run: async () => outcome('changed') }),
  }),
);
const app = defineApp({
  name: 'storm',
  buckets: { state: { env: 'STATE_BUCKET', doc: 'records' } },
  topics: {
    events: { env: 'EVENTS_TOPIC', doc: 'events' },
    'dead-letters': { env: 'DEAD_LETTER_TOPIC', doc: 'dead letters' },
  },
  functions: definitions,
});

interface Row {
  id: string;
  type: string;
  data: string;
  attributes: Record<string, string>;
}

describe('a chain of functions that answer one another, through the outbox', () => {
  let pool: Pool;
  const letters: OutgoingMessage[] = [];
  beforeAll(async () => {
    pool = await freshPool();
  });
  beforeEach(() => {
    letters.length = 0;
  });
  afterAll(() => pool.close());

  /** Delivers an event and everything that follows from it. Returns the types of what was published. */
  async function storm(answers: (name: Name) => number, names: readonly Name[] = NAMES): Promise<string[]> {
    const publisher = {
      async publish(_topic: string, messages: readonly OutgoingMessage[]) {
        letters.push(...messages);
        return messages.map((_, index) => String(index));
      },
      close() {},
    };
    const services = {
      ...{ storage: createMemoryStorage(), publisher: async () => publisher },
      log: createLogger({ write: () => undefined }),
    };
    const handlers = new Map<string, Deliver>();
    for (const name of names) {
      const { takes, sends } = CHAIN[name];
      const work = messageWork({
        types: [takes],
        async run({ eventId }, { prepare }) {
          return pool.transaction(async (sql) => {
            if (!(await inbox(sql, name, eventId))) return outcome('duplicate');
            const events = Array.from({ length: answers(name) }, (_, n) => ({ type: sends, data: { n } }));
            await enqueue(sql, await Promise.all(events.map((event) => prepare('events', event))));
            return outcome('changed');
          });
        },
      });
      const definition = definitions.find((one) => one.name === name)!;
      handlers.set(takes, await openHandler(work, { app, definition, env, services }));
    }
    const published: string[] = [];
    const first = structured({ id: `storm-${answers}`, type: 'order.changed', data: { n: 0 } });
    await handlers.get('order.changed')!(messageEvent(first));
    for (;;) {
      const { rows } = await pool.query<Row>(
        'update outbox set published_at = now() where published_at is null returning id, type, data, attributes',
      );
      if (rows.length === 0) return published;
      for (const { id, type, data, attributes } of rows) {
        published.push(type);
        const message = { data: Buffer.from(data).toString('base64'), attributes, messageId: id };
        await handlers.get(type)?.(messageEvent(message));
      }
    }
  }

  test('a loop ends at the hop limit, with the chain in its dead letter', async () => {
    const published = await storm(() => 1);
    expect(published).toHaveLength(16);
    expect(letters).toHaveLength(1);
    const { deadLetterCode, deadLetterReason, deadLetterFunction } = letters[0]!.attributes ?? {};
    expect(deadLetterCode).toBe('loop');
    expect(deadLetterFunction).toBe('updatePrice');
    expect(deadLetterReason).toMatch(
      /^hops must be at most 16 \(MAX_HOPS\), got 17: … > .*updateInventory:inventory\.changed > updatePrice:price\.changed > updateOrder:order\.changed > updateInventory:inventory\.changed > updatePrice:price\.changed$/,
    );
  });

  test('a legal fan-out of 1,000 passes', async () => {
    const published = await storm((name) => (name === 'updateInventory' ? 1_000 : 0), ['updateInventory']);
    expect(published).toHaveLength(1_000);
    expect(letters).toEqual([]);
  });

  test('a fan-out that multiplies itself is refused, and nothing of the refused event stays', async () => {
    const published = await storm((name) => (name === 'updateInventory' ? 1_001 : 0), ['updateInventory']);
    expect(published).toEqual([]);
    expect(letters.map(({ attributes }) => attributes?.['deadLetterCode'])).toEqual(['too-many-events']);
  });
});

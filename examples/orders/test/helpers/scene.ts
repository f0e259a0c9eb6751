import { fileURLToPath } from 'node:url';
import { compileValidators, readSchemas } from '../../../../schemas/compile.ts';
import { defineApp } from '../../../../shared/app/define-app.ts';
import type { FunctionDefinition } from '../../../../shared/app/define-function.ts';
import { systemClock } from '../../../../shared/core/clock.ts';
import { createLogger } from '../../../../shared/core/log.ts';
import type { OutgoingMessage, Publisher } from '../../../../shared/gcp/pubsub.ts';
import { openHandler } from '../../../../shared/invocation/event-handler.ts';
import { messageWork } from '../../../../shared/invocation/message-handler.ts';
import { createCalls } from '../../../../shared/patterns/calls.ts';
import { createMemoryStorage } from '../../../../shared/storage/memory.ts';
import { messageEvent } from '../../../../test/helpers/messages.ts';
import type { Pool } from '../../database/pool.ts';
import type { Saga } from '../../fulfilment/settings.ts';
import { type LocalGateway, startGateway } from '../../local/gateway.ts';
import { changeOrder } from '../../order/change-order.ts';
import { settleOrders } from '../../outcome/definition.ts';
import { TYPES as SETTLING, settleService } from '../../outcome/settle-service.ts';
import { handlePayments } from '../../payments/definition.ts';
import { createGateway } from '../../payments/gateway.ts';
import { TYPES as PAYING, paymentService } from '../../payments/payment-service.ts';
import { runOrderSaga } from '../../saga/definition.ts';
import { TYPES as SAGA, sagaService } from '../../saga/saga-service.ts';
import { handleStock } from '../../stock/definition.ts';
import { TYPES as STOCK, stockService } from '../../stock/stock-service.ts';
import { sweepOrders } from '../../sweep/definition.ts';
import { sweepService } from '../../sweep/sweep-service.ts';
import { trackOrders } from '../../tracking/definition.ts';
import { TYPES as TRACKED } from '../../tracking/track.ts';
import { trackingService } from '../../tracking/tracking-service.ts';
import { freshPool } from './database.ts';

const validators = compileValidators(readSchemas(fileURLToPath(new URL('../../schemas/', import.meta.url))));
const app = {
  ...defineApp({
    name: 'orders-test',
    buckets: { state: { env: 'STATE_BUCKET', doc: 'records' } },
    topics: {
      events: { env: 'EVENTS_TOPIC', doc: 'events' },
      'order-sweep': { doc: 'ticks' },
      'order-work': { env: 'ORDER_WORK_TOPIC', doc: 'nudges' },
      'dead-letters': { env: 'DEAD_LETTER_TOPIC', doc: 'dead letters' },
    },
    functions: [handlePayments, handleStock, settleOrders, runOrderSaga, trackOrders, sweepOrders],
  }),
  validators: async () => validators,
};
const DEAD = 'projects/demo/topics/dead';
const env = {
  STATE_BUCKET: 'state',
  EVENTS_TOPIC: 'projects/demo/topics/events',
  DEAD_LETTER_TOPIC: DEAD,
  ORDER_WORK_TOPIC: 'projects/demo/topics/work',
  MAX_EVENTS_PER_CORRELATION: '10000',
};

/** Long enough for a busy machine; only an answer that never comes takes it. */
const GATEWAY_MS = 1_000;

/** A message that is on its way. */
export interface Sent {
  id: string;
  type: string;
  orderId: string;
  input: unknown;
}

export interface SceneOptions {
  saga: Saga;
  /** Pieces of each product. */
  stock?: Readonly<Record<string, number>>;
  limits?: { answerMs: number; maxTries: number };
  parkMs?: number;
  gateway?: Parameters<typeof startGateway>[0];
}

export interface Scene {
  pool: Pool;
  gateway: LocalGateway;
  clock: { now(): number; pass(ms: number): void };
  /** Log entries of all functions. */
  lines: Record<string, unknown>[];
  deadLetters: OutgoingMessage[];
  /** Everything that was published, in its order. */
  published: Sent[];
  place(orderId: string, order?: { customerId?: string; items?: [string, number][] }): Promise<void>;
  cancel(orderId: string): Promise<void>;
  /** What waits in the outbox; from then on it counts as published. */
  take(): Promise<Sent[]>;
  /** To every function that takes its type, or to those named. Throws as the functions do. */
  deliver(message: Pick<Sent, 'type' | 'input'>, only?: readonly string[]): Promise<void>;
  /** Delivers until nothing is left. `pick` chooses the next of the messages that wait; default: the first. */
  run(pick?: (waiting: readonly Sent[]) => number): Promise<void>;
  sweep(): Promise<void>;
  statusOf(orderId: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** The app's functions in this process, on an embedded database and a local gateway; the test is their Pub/Sub. */
export async function openScene({
  saga,
  stock = { 'prod-a': 100, 'prod-b': 100 },
  limits = { answerMs: 60_000, maxTries: 3 },
  parkMs = 60_000,
  gateway: gatewayOptions = {},
}: SceneOptions): Promise<Scene> {
  const pool = await freshPool();
  const gateway = await startGateway(gatewayOptions);
  for (const [id, available] of Object.entries(stock)) {
    await pool.query('insert into stock (product_id, available) values ($1, $2)', [id, available]);
  }
  let now = Date.parse('2026-11-21T10:00:00Z');
  const clock = {
    ...systemClock,
    now: () => now,
    pass(ms: number) {
      now += ms;
    },
  };
  const lines: Record<string, unknown>[] = [];
  const deadLetters: OutgoingMessage[] = [];
  const storage = createMemoryStorage();
  const publisher: Publisher = {
    async publish(topic, messages) {
      if (topic === DEAD) deadLetters.push(...messages);
      return messages.map((_, index) => String(index));
    },
    close() {},
  };
  const services = {
    ...{ storage, publisher: async () => publisher },
    log: createLogger({ write: (line) => void lines.push(JSON.parse(line)) }),
  };
  const database = pool;
  const hostOf = (definition: FunctionDefinition) => ({ app, definition, env, services, clock });
  const functions = {
    handlePayments: {
      types: PAYING as readonly string[],
      handle: await openHandler(
        messageWork({
          types: PAYING,
          open: ({ functionName: name }) =>
            paymentService({ name, database, saga, gateway: createGateway(gateway.url, GATEWAY_MS) }),
        }),
        hostOf(handlePayments),
      ),
    },
    handleStock: {
      types: STOCK as readonly string[],
      handle: await openHandler(
        messageWork({
          types: STOCK,
          open: ({ functionName: name }) => stockService({ name, database, saga, parkMs }),
        }),
        hostOf(handleStock),
      ),
    },
    settleOrders: {
      types: SETTLING as readonly string[],
      handle: await openHandler(
        messageWork({
          types: SETTLING,
          open: ({ functionName: name }) => settleService({ name, database, saga }),
        }),
        hostOf(settleOrders),
      ),
    },
    runOrderSaga: {
      types: SAGA as readonly string[],
      handle: await openHandler(
        messageWork({
          types: SAGA,
          open: ({ functionName: name }) => sagaService({ name, database, saga, limits, parkMs }),
        }),
        hostOf(runOrderSaga),
      ),
    },
    trackOrders: {
      types: TRACKED as readonly string[],
      handle: await openHandler(
        messageWork({
          types: TRACKED,
          open: ({ functionName: name }) => trackingService({ name, database, parkMs }),
        }),
        hostOf(trackOrders),
      ),
    },
  };
  const sweep = await openHandler(
    { open: ({ refuse }) => sweepService({ database, limits, refuse }) },
    hostOf(sweepOrders),
  );
  const { prepare } = createCalls({
    ...{ function: 'orderApi', eventId: 'a'.repeat(64), topics: { events: 'events' }, clock },
    ...{ state: async () => storage.bucket('state'), publisher: async () => publisher },
    ...{ log: services.log, signal: new AbortController().signal },
    limits: { maxEventsPerCorrelation: 10_000 },
  });
  const published: Sent[] = [];
  const scene: Scene = {
    ...{ pool, gateway, clock, lines, deadLetters, published },
    async place(orderId, { customerId = 'cust-1', items = ONE_PIECE } = {}) {
      const lines = items.map(([productId, quantity]) => ({ productId, quantity, unitPrice: 250 }));
      const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
      const order = { orderId, customerId, total, currency: 'EUR', items: lines };
      await pool.transaction((sql) => changeOrder(sql, orderId, { type: 'create', order }, prepare));
    },
    async cancel(orderId) {
      const command = { type: 'cancel', reason: 'customer' } as const;
      await pool.transaction((sql) => changeOrder(sql, orderId, command, prepare));
    },
    async take() {
      const { rows } = await pool.query<Row>(
        `update outbox set published_at = now() where published_at is null
         returning position, id, type, data, attributes, ordering_key`,
      );
      const sent = rows
        .sort((a, b) => Number(a.position) - Number(b.position))
        .map(({ id, type, data, attributes, ordering_key: orderingKey }) => {
          const message = {
            data: Buffer.from(data).toString('base64'),
            attributes,
            orderingKey,
            messageId: id,
          };
          return { id, type, orderId: orderingKey, input: messageEvent(message) };
        });
      published.push(...sent);
      return sent;
    },
    async deliver({ type, input }, only) {
      for (const [name, { types, handle }] of Object.entries(functions)) {
        if (types.includes(type) && (only?.includes(name) ?? true)) await handle(input);
      }
    },
    async run(pick = () => 0) {
      const waiting: Sent[] = [];
      for (;;) {
        waiting.push(...(await scene.take()));
        if (waiting.length === 0) return;
        const [next] = waiting.splice(pick(waiting), 1);
        await scene.deliver(next!);
      }
    },
    async sweep() {
      const message = { data: '', attributes: {}, messageId: '1', publishTime: new Date(now).toISOString() };
      await sweep(messageEvent(message));
    },
    async statusOf(orderId) {
      const { rows } = await pool.query<{ type: string }>(
        'select type from events where stream = $1 order by version desc limit 1',
        [orderId],
      );
      return rows[0]?.type.slice('order.'.length);
    },
    async close() {
      await pool.close();
      await gateway.close();
    },
  };
  return scene;
}

const ONE_PIECE: [string, number][] = [['prod-a', 1]];

interface Row {
  position: string;
  id: string;
  type: string;
  data: string;
  attributes: Record<string, string>;
  ordering_key: string;
}

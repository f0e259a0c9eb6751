import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { migrate, ownMigrations } from '../../examples/orders/database/migrate.ts';
import { createPool, type Pool } from '../../examples/orders/database/pool.ts';
import { startEmbedded } from '../../examples/orders/local/embedded.ts';
import { startGateway } from '../../examples/orders/local/gateway.ts';
import { postgresPrograms, startPostgres } from '../../examples/orders/test/helpers/postgres.ts';
import { startLocalCloud } from '../../local/cloud.ts';
import { loadApp } from '../../shared/app/load-app.ts';
import { mapConcurrent } from '../../shared/core/map-concurrent.ts';
import type { Emit } from './main.ts';

const ORDERS = 100;
const WARM_UP = 10;
const CLIENTS = 16;
const GIVE_UP_MS = 300_000;

/** An app that carries orders out. */
interface Way {
  app: string;
  /** Name of the function that takes orders. */
  api: string;
  functions: readonly string[];
  /** Counts orders that are confirmed. */
  confirmed: string;
}

const OURS: Way = {
  app: 'examples/orders',
  api: 'ordersApi',
  functions: ['ordersApi', 'relayOutbox', 'projectOrders', 'handlePayments', 'handleStock', 'settleOrders'],
  confirmed: "select count(*)::integer as n from events where type = 'order.confirmed'",
};
const PLAIN: Way = {
  app: 'test/bench/plain-orders',
  api: 'plainApi',
  functions: ['plainApi', 'plainPay', 'plainReserve', 'plainConfirm'],
  confirmed: "select count(*)::integer as n from plain_orders where status = 'confirmed'",
};

interface Measured {
  /** From the first request to the last confirmation. */
  perSecond: number;
  /** Medians of a request, and of an order alone from its request to its confirmation, in ms. */
  requestMs: number;
  orderMs: number;
}

/**
 * Orders through the API to confirmed, each through payment, stock and settlement, on a local cloud: with event store,
 * outbox, inbox and read models; and the plain way, which changes a row and then publishes.
 */
export async function bench(emit: Emit): Promise<void> {
  await onDatabase('embedded', () => startEmbedded(), emit);
  const programs = postgresPrograms();
  if (programs === undefined) {
    process.stderr.write('orders.postgres skipped: no postgres and initdb on PATH\n');
    return;
  }
  const start = async () => {
    const { url, stop } = await startPostgres(programs);
    return { url, close: stop };
  };
  await onDatabase('postgres', start, emit);
}

async function onDatabase(
  name: string,
  start: () => Promise<{ url: string; close(): Promise<void> }>,
  emit: Emit,
): Promise<void> {
  const database = await start();
  const pool = createPool({ url: database.url, connections: 2 });
  try {
    await migrate(pool, await ownMigrations());
    await pool.query('create table plain_orders (order_id text primary key, status text, data jsonb)');
    await pool.query("insert into stock (product_id, available) values ('prod-1', 1000000)");
    const ours = await measure(OURS, database.url, pool);
    const plain = await measure(PLAIN, database.url, pool);
    emit({ name: `orders.${name}`, value: ours.perSecond, unit: 'orders/s', plain: plain.perSecond });
    emit({ name: `orders.${name}.request.p50`, value: ours.requestMs, unit: 'ms', plain: plain.requestMs });
    emit({ name: `orders.${name}.alone.p50`, value: ours.orderMs, unit: 'ms', plain: plain.orderMs });
  } finally {
    await pool.close();
    await database.close();
  }
}

async function measure(way: Way, url: string, pool: Pool): Promise<Measured> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-orders-'));
  const gateway = await startGateway();
  const cloud = await startLocalCloud({
    ...{ dir, app: await loadApp(way.app), only: way.functions },
    services: {
      async database() {
        const own = way === OURS ? { PAYMENT_GATEWAY_URL: gateway.url } : {};
        return { env: { DATABASE_URL: url, ...own }, shown: url, close: async () => undefined };
      },
    },
  });
  try {
    const api = cloud.endpoints.functions[way.api]!;
    const order = (): Promise<number> => post(way === OURS ? `${api}orders` : api);
    const confirmed = async (): Promise<number> =>
      (await pool.query<{ n: number }>(way.confirmed)).rows[0]!.n;
    const until = async (count: number): Promise<void> => {
      const end = Date.now() + GIVE_UP_MS;
      while ((await confirmed()) < count) {
        if (Date.now() > end) throw new Error(`${await confirmed()} of ${count} orders confirmed`);
        await delay(20);
      }
    };
    const alone: number[] = [];
    for (let n = 1; n <= WARM_UP; n++) {
      const startedAt = performance.now();
      await order();
      await until(n);
      alone.push(performance.now() - startedAt);
    }
    const startedAt = performance.now();
    const requests = await mapConcurrent(Array.from({ length: ORDERS }), CLIENTS, order);
    await until(WARM_UP + ORDERS);
    const seconds = (performance.now() - startedAt) / 1_000;
    return {
      perSecond: round(ORDERS / seconds),
      requestMs: round(median(requests)),
      orderMs: round(median(alone.slice(WARM_UP / 2))),
    };
  } finally {
    await cloud.close();
    await gateway.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Duration of the request, in ms. */
async function post(url: string): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: JSON.stringify({
      ...{ customerId: 'cust-1', currency: 'EUR', total: 2_500 },
      items: [{ productId: 'prod-1', quantity: 2, unitPrice: 1_250 }],
    }),
  });
  await response.text();
  if (response.status !== 201) throw new Error(`order must be created, got ${response.status}`);
  return performance.now() - startedAt;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const round = (value: number): number => Math.round(value * 10) / 10;

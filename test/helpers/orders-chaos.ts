import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Plugin } from 'esbuild';
import { privateBundle } from '../../build.ts';
import { migrate, ownMigrations } from '../../examples/orders/database/migrate.ts';
import { createPool, type Pool } from '../../examples/orders/database/pool.ts';
import type { Saga } from '../../examples/orders/fulfilment/settings.ts';
import { startEmbedded } from '../../examples/orders/local/embedded.ts';
import { startGateway } from '../../examples/orders/local/gateway.ts';
import { violations } from '../../examples/orders/test/helpers/balance.ts';
import { startPostgres } from '../../examples/orders/test/helpers/postgres.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { loadApp } from '../../shared/app/load-app.ts';
import { DeltaTable } from '../../shared/delta/index.ts';
import { pubsubMessage } from './messages.ts';
import { randomFrom } from './random.ts';

/** A database that the functions use, and that the test shakes. */
export interface ShakenDatabase {
  url: string;
  /** Breaks connections, or restarts the server. */
  shake(): Promise<void> | void;
  close(): Promise<void>;
}

export interface OrdersRun {
  saga: Saga;
  orders: number;
  /** Parts of the bundle that are replaced. */
  plugins?: Plugin[];
  database?: () => Promise<ShakenDatabase>;
  seed?: number;
}

export interface OrdersOutcome {
  violations: string[];
  confirmed: number;
  cancelled: number;
  published: number;
  /** Messages that the test sent beside the relay: duplicates, and events before those that come before them. */
  strays: number;
  kills: number;
  shakes: number;
  seconds: number;
}

/** One line about a run, for people. */
export function describeRun(name: string, outcome: OrdersOutcome): string {
  const { confirmed, cancelled, published, strays, kills, shakes, seconds, violations: found } = outcome;
  return (
    `orders, ${name}: ${confirmed} confirmed and ${cancelled} cancelled in ${seconds} s; ${published} events, ` +
    `${strays} of them again or early; ${kills} kills, database shaken ${shakes} times; ` +
    `${found.length} violations${found
      .slice(0, 3)
      .map((one) => `; ${one}`)
      .join('')}\n`
  );
}

const STOCK = { 'prod-a': 1_000_000, 'prod-b': 1_000_000 };
/** Functions that take part; the others of the app would only cost time. */
const FUNCTIONS = [
  ...['ordersApi', 'relayOutbox', 'handlePayments', 'handleStock', 'settleOrders', 'runOrderSaga'],
  ...['trackOrders', 'sweepOrders', 'ingestEvent'],
];
/** Orders that are placed at a time. */
const LANES = 8;
/** Events that consumers handle between two kills, and between two breaks of all connections. */
const KILL_EVERY = 12;
const SHAKE_EVERY = 60;
/** One charge in so many kills its function before it can store it. */
const CHARGE_KILLS_EVERY = 8;
/** Nothing has changed for so long: what has not ended will not end. */
const QUIET_MS = 60_000;

/** A server that is restarted, in turn as for maintenance and as after a power cut. */
export async function restartedPostgres(programs: string): Promise<ShakenDatabase> {
  const server = await startPostgres(programs);
  let restarts = 0;
  return {
    url: server.url,
    shake: () => server.restart(restarts++ % 2 === 0 ? 'fast' : 'crash'),
    close: () => server.stop(),
  };
}

/** PGlite, whose connections are broken again and again. */
async function embedded(): Promise<ShakenDatabase> {
  const { url, dropConnections, close } = await startEmbedded();
  return { url, shake: dropConnections, close };
}

/**
 * Places orders through the API while functions are killed, connections broken, and events delivered twice and out of
 * order, until every order has ended or nothing changes any more.
 */
export async function runOrders(options: OrdersRun): Promise<OrdersOutcome> {
  const { saga, orders, plugins = [], database: open = embedded, seed = 20261122 } = options;
  const startedAt = performance.now();
  const random = randomFrom(seed);
  const dir = await mkdtemp(join(tmpdir(), 'orders-chaos-'));
  const database = await open();
  const pool = createPool({ url: database.url, connections: 4 });
  let kills = 0;
  let kill: (at?: number) => void = () => undefined;
  let charges = 0;
  const gateway = await startGateway({
    behave: (customer, request) => behaviour(customer, request, random),
    onCharge: () => {
      if (++charges % CHARGE_KILLS_EVERY === 3) kill(FUNCTIONS.indexOf('handlePayments'));
    },
  });
  const app = await loadApp('examples/orders');
  const bundle = await privateBundle(plugins, app);
  const chaos = new AbortController();
  let cloud: LocalCloud | undefined;
  try {
    await patiently(async () => migrate(pool, await ownMigrations()));
    for (const [id, available] of Object.entries(STOCK)) {
      await pool.query('insert into stock (product_id, available) values ($1, $2)', [id, available]);
    }
    cloud = await startLocalCloud({
      ...{ app, dir, bundleDir: bundle.dir, only: FUNCTIONS, backoff: { minMs: 50, maxMs: 2_000 } },
      // a test must not make dead letters of events whose functions are killed again and again
      maxDeliveryAttempts: 100,
      shell: {},
      services: {
        database: async () => ({
          env: {
            DATABASE_URL: database.url,
            ORDER_SAGA: saga,
            PAYMENT_GATEWAY_URL: gateway.url,
            PAYMENT_TIMEOUT_MS: '3000',
            // only what is lost takes so long
            SAGA_ANSWER_SECONDS: '600',
            RELAY_LEASE_SECONDS: '3',
          },
          shown: '',
          close: async () => undefined,
        }),
      },
    });
    const { processes } = cloud;
    kill = (at = Math.floor(random() * processes.length)) => {
      const pid = processes[at]?.pid();
      try {
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
        kills++;
      } catch {
        // it is just starting again
      }
    };
    const shaken = shaking(pool, { kill, shake: database.shake }, chaos.signal);
    const ticked = ticking(cloud, chaos.signal);
    const strays = straying(cloud, pool, random, chaos.signal);
    await placeAll(cloud.endpoints.functions['ordersApi']!, orders, random);
    await settled(pool, orders);
    chaos.abort();
    const [shakes, stray] = await Promise.all([shaken, strays, ticked]);
    await settled(pool, orders);
    const found = [
      ...(await violations(pool, gateway.charges, STOCK)),
      ...(await sagaViolations(pool)),
      ...(await lakeViolations(cloud, pool)),
    ];
    const ends = await endsOf(pool);
    const published = await count(pool, 'select count(*) as n from outbox');
    return {
      ...{ violations: found, ...ends, published, strays: stray, kills, shakes },
      seconds: Math.round((performance.now() - startedAt) / 1_000),
    };
  } finally {
    chaos.abort();
    await cloud?.close();
    await pool.close();
    await Promise.all([gateway.close(), database.close(), bundle.remove()]);
    await rm(dir, { recursive: true, force: true });
  }
}

/** A tenth of the requests is answered late or not at all. */
function behaviour(customer: string, request: number, random: () => number) {
  if (customer.startsWith('cust-declined')) return 'decline';
  if (request > 2) return 'accept';
  const dice = random();
  return dice < 0.05 ? 'silence' : dice < 0.1 ? 'error' : 'accept';
}

async function placeAll(url: string, orders: number, random: () => number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < orders) {
      const index = next++;
      const customerId = index % 5 === 0 ? `cust-declined-${index}` : `cust-${index}`;
      const quantity = index % 10 === 3 ? 10_000 : 1 + Math.floor(random() * 3);
      const items = [
        { productId: 'prod-a', quantity: 1, unitPrice: 250 },
        // nobody has so many
        { productId: index % 10 === 3 ? 'prod-none' : 'prod-b', quantity, unitPrice: 100 },
      ];
      const body = JSON.stringify({ customerId, currency: 'EUR', items });
      const headers = { 'content-type': 'application/json', 'idempotency-key': `order-${index}` };
      for (;;) {
        const response = await fetch(`${url}orders`, { method: 'POST', headers, body }).catch(
          () => undefined,
        );
        await response?.arrayBuffer().catch(() => undefined);
        if (response?.status === 201) break;
        if (response && response.status < 500 && response.status !== 429) {
          throw new Error(`order must be created, got ${response.status}`);
        }
        await sleep(100 + 200 * random());
      }
      // a client that did not see its answer
      if (random() < 0.1)
        await fetch(`${url}orders`, { method: 'POST', headers, body }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/**
 * Kills a process and breaks connections each time that so much work is done: on a slow machine as often as on a fast
 * one, and never so often that nothing is done in between.
 */
async function shaking(
  pool: Pool,
  { kill, shake }: { kill(): void; shake(): Promise<void> | void },
  signal: AbortSignal,
): Promise<number> {
  let [killedAt, shakenAt, shakes] = [0, 0, 0];
  for (;;) {
    await pause(100, signal);
    if (signal.aborted) return shakes;
    const done = await count(pool, 'select count(*) as n from inbox').catch(() => 0);
    if (done >= killedAt + KILL_EVERY) {
      killedAt = done;
      kill();
    }
    if (done >= shakenAt + SHAKE_EVERY) {
      shakenAt = done;
      shakes++;
      await shake();
    }
  }
}

/** The scheduler, faster. */
async function ticking(cloud: LocalCloud, signal: AbortSignal): Promise<number> {
  for (let ticks = 0; ; ticks++) {
    await pause(1_000, signal);
    if (signal.aborted) return ticks;
    for (const topic of ['order-work', 'order-sweep']) await publish(cloud, topic, { data: '{}' });
  }
}

/**
 * Publishes events of the outbox beside the relay and without ordering keys: some before the relay does, and so before
 * their predecessors, and some long after.
 */
async function straying(
  cloud: LocalCloud,
  pool: Pool,
  random: () => number,
  signal: AbortSignal,
): Promise<number> {
  for (let strays = 0; ; ) {
    await pause(200, signal);
    if (signal.aborted) return strays;
    const { rows } = await pool
      .query<{ data: string; attributes: Record<string, string> }>(
        `(select data, attributes from outbox where published_at is null order by position desc limit 3)
         union all
         (select data, attributes from outbox where position >= floor($1::float8 * (select max(position) from outbox))
          order by position limit 3)`,
        [random()],
      )
      .catch(() => ({ rows: [] }));
    for (const { data, attributes } of rows) {
      strays += await publish(cloud, 'events', { data: Buffer.from(data), attributes });
    }
  }
}

async function publish(
  cloud: LocalCloud,
  topic: string,
  { data, attributes }: { data: string | Uint8Array; attributes?: Record<string, string> },
): Promise<number> {
  const url = `${cloud.endpoints.pubsub}/v1/projects/local/topics/${topic}:publish`;
  const { data: encoded } = pubsubMessage({ data });
  const body = JSON.stringify({ messages: [{ data: encoded, ...(attributes && { attributes }) }] });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined);
  await response?.arrayBuffer().catch(() => undefined);
  return response?.ok ? 1 : 0;
}

/** Resolves when every order and saga has ended and nothing waits to be published, or when nothing changes any more. */
async function settled(pool: Pool, orders: number): Promise<void> {
  let [before, since] = ['', performance.now()];
  for (;;) {
    await sleep(500);
    const now = await pool
      .query<{
        open: number;
        waiting: number;
        sagas: number;
        parked: number;
        events: number;
        tracked: number;
      }>(
        `select
           ($1 - (select count(*) from events where type in ('order.confirmed', 'order.cancelled')))::integer as open,
           (select count(*) from outbox where published_at is null)::integer as waiting,
           (select count(*) from sagas where deadline is not null)::integer as sagas,
           (select count(*) from parked_events)::integer as parked,
           (select count(*) from order_tracking where status = 'created')::integer as tracked,
           (select count(*) from inbox)::integer as events`,
        [orders],
      )
      .catch(() => undefined);
    const row = now?.rows[0];
    if (row === undefined) continue;
    if (row.open === 0 && row.waiting + row.sagas + row.parked + row.tracked === 0) return;
    const text = JSON.stringify(row);
    if (text !== before) [before, since] = [text, performance.now()];
    else if (performance.now() - since > QUIET_MS) return;
  }
}

async function sagaViolations(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ what: string }>(
    `select 'saga of ' || order_id || ' is ' || (state->>'status') as what from sagas
       where state->>'status' not in ('completed', 'compensated')
     union all select consumer || ' has parked ' || type || ' of ' || subject from parked_events
     union all select order_id || ': payment is ' || state from payments where state in ('charging', 'refunding')
     union all select stream || ': versions are not 1 to ' || max(version) from events
       group by stream having count(*) <> max(version)
     union all select tracking.order_id || ' is tracked as ' || tracking.status from order_tracking tracking
       where not exists (select from events where stream = tracking.order_id
         and type = 'order.' || tracking.status)
     union all select 'saga of ' || fulfilments.order_id || ' was never begun' from fulfilments
       where saga = 'orchestration' and not exists (select from sagas where sagas.order_id = fulfilments.order_id)`,
  );
  return rows.map(({ what }) => what);
}

/** The lake has each committed event, and nothing that was not committed. */
async function lakeViolations(cloud: LocalCloud, pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from outbox');
  const committed = new Set(rows.map(({ id }) => id));
  let inLake: string[] = [];
  for (let tries = 0; tries < 120; tries++) {
    inLake = await idsInLake(cloud).catch(() => []);
    if (new Set(inLake).size >= committed.size) break;
    await sleep(500);
  }
  const once = new Set(inLake);
  const stored = await pool.query<{ id: string }>(`select stream || '.' || version as id from events`);
  const unsent = stored.rows.filter(({ id }) => !committed.has(id));
  return [
    ...[...committed].filter((id) => !once.has(id)).map((id) => `${id} is committed, and not in the lake`),
    ...[...once]
      .filter((id) => !committed.has(id))
      .map((id) => `${id} is in the lake, and was not committed`),
    ...unsent.map(({ id }) => `${id} is in its stream, and was never in the outbox`),
    ...(inLake.length === once.size ? [] : [`${inLake.length - once.size} events are in the lake twice`]),
  ];
}

async function idsInLake({ storage }: LocalCloud): Promise<string[]> {
  const table = await DeltaTable.open(storage.bucket('lake'), 'events');
  const ids: string[] = [];
  for await (const rows of table.scan({ columns: ['ce_id'] }))
    for (const row of rows) ids.push(String(row['ce_id']));
  return ids;
}

async function endsOf(pool: Pool): Promise<{ confirmed: number; cancelled: number }> {
  return {
    confirmed: await count(pool, `select count(*) as n from events where type = 'order.confirmed'`),
    cancelled: await count(pool, `select count(*) as n from events where type = 'order.cancelled'`),
  };
}

async function count(pool: Pool, text: string): Promise<number> {
  const { rows } = await pool.query<{ n: string }>(text);
  return Number(rows[0]?.n);
}

/** A database that has just been started may not answer yet. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 20) throw error;
      await sleep(250);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

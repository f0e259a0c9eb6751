import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { expect, test } from 'vitest';
import { SAGAS } from '../../examples/orders/fulfilment/settings.ts';
import { postgresPrograms } from '../../examples/orders/test/helpers/postgres.ts';
import { describeRun, restartedPostgres, runOrders } from '../helpers/orders-chaos.ts';

/** `ORDERS=1000` is the full run; it takes about half an hour for each saga on two cores. */
const ORDERS = Number(process.env['ORDERS'] ?? 40);
/** `ORDERS_ON=postgres` takes a real server that is restarted, which is faster. */
const programs = process.env['ORDERS_ON'] === 'postgres' ? postgresPrograms() : undefined;
const onServer = programs !== undefined && { database: () => restartedPostgres(programs) };
/** Enough for every part that is taken out to be missed. */
const VARIANT_ORDERS = 16;
const timeout = 600_000 + ORDERS * 3_000;

test.each(SAGAS)(
  `${ORDERS} orders by %s, with functions killed, connections broken, duplicates and early events`,
  {
    timeout,
  },
  async (saga) => {
    const outcome = await runOrders({ saga, orders: ORDERS, ...onServer });
    process.stdout.write(describeRun(saga, outcome));
    expect(outcome.violations).toEqual([]);
    expect(outcome.confirmed + outcome.cancelled).toBe(ORDERS);
    // a fifth is declined, and of a tenth there is not enough
    expect(outcome.cancelled).toBeGreaterThanOrEqual(Math.floor(ORDERS * 0.25));
    expect(outcome.confirmed).toBeGreaterThanOrEqual(Math.floor(ORDERS * 0.65));
    expect(outcome.kills).toBeGreaterThan(5);
    expect(outcome.strays).toBeGreaterThan(ORDERS / 2);
  },
);

/** Replaces a text in a file of the bundle; the text must be there. */
function replacing(file: RegExp, text: string, by: string): Plugin {
  return {
    name: 'part taken out',
    setup: (build) =>
      build.onLoad({ filter: file }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes(text)) throw new Error(`${path} must contain ${text}`);
        return { contents: source.replace(text, by), loader: 'ts' };
      }),
  };
}

const WITHOUT_INBOX = replacing(
  /shared\/patterns\/inbox\.ts$/,
  'return rowCount === 1;',
  'return rowCount !== null;',
);

const WITHOUT_KEY = replacing(
  /examples\/orders\/payments\/gateway\.ts$/,
  "'idempotency-key': key",
  "'idempotency-key': key + Math.random()",
);

/** The plain way: publish once the change is committed, from memory. */
const WITHOUT_OUTBOX = replacing(
  /shared\/patterns\/outbox\.ts$/,
  'if (events.length === 0) return;',
  `if (events.length === 0) return;
  if (sql) {
    setTimeout(async () => {
      const { createPublisher } = await import('../gcp/pubsub.ts');
      const { PUBSUB_API_ENDPOINT: apiEndpoint, EVENTS_TOPIC = 'events' } = process.env;
      const publisher = createPublisher({ project: 'local', apiEndpoint });
      await publisher.publish(EVENTS_TOPIC, events.map(({ data, attributes, orderingKey }) =>
        ({ data, attributes, ...(orderingKey !== undefined && { orderingKey }) })));
    }, 200);
    return;
  }`,
);

test.each([
  ['the inbox', WITHOUT_INBOX, /held of/],
  ['the idempotency key', WITHOUT_KEY, /charged [2-9] times/],
  ['the outbox', WITHOUT_OUTBOX, /0 ends/],
] as const)(
  'without %s the same is no longer true',
  { timeout: 900_000 },
  async (part, plugin, violation) => {
    const outcome = await runOrders({
      saga: 'choreography',
      orders: VARIANT_ORDERS,
      plugins: [plugin],
      ...onServer,
    });
    process.stdout.write(describeRun(`without ${part}`, outcome));
    expect(outcome.violations.join('\n')).toMatch(violation);
  },
);

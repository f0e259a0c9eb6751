import { expect, test } from 'vitest';
import { SAGAS } from '../../examples/orders/fulfilment/settings.ts';
import { postgresPrograms } from '../../examples/orders/test/helpers/postgres.ts';
import { describeRun, restartedPostgres, runOrders } from '../helpers/orders-chaos.ts';

/** `ORDERS=1000` is the full run; it takes about half an hour for each saga on two cores. */
const ORDERS = Number(process.env['ORDERS'] ?? 40);
/** `ORDERS_ON=postgres` takes a real server that is restarted, which is faster. */
const programs = process.env['ORDERS_ON'] === 'postgres' ? postgresPrograms() : undefined;
const onServer = programs !== undefined && { database: () => restartedPostgres(programs) };
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

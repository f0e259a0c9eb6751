import { describe, expect, test } from 'vitest';
import { SAGAS } from '../../examples/orders/fulfilment/settings.ts';
import { postgresPrograms } from '../../examples/orders/test/helpers/postgres.ts';
import { describeRun, restartedPostgres, runOrders } from '../helpers/orders-chaos.ts';

const ORDERS = Number(process.env['ORDERS'] ?? 40);

const programs = postgresPrograms();
if (programs === undefined) console.log('skipped: no postgres and initdb on PATH');

describe.skipIf(programs === undefined)('orders on PostgreSQL', () => {
  test.each(SAGAS)(
    `${ORDERS} orders by %s, with functions killed and the server restarted`,
    {
      timeout: 600_000 + ORDERS * 3_000,
    },
    async (saga) => {
      const outcome = await runOrders({ saga, orders: ORDERS, database: () => restartedPostgres(programs!) });
      process.stdout.write(describeRun(`${saga} on PostgreSQL`, outcome));
      expect(outcome.violations).toEqual([]);
      expect(outcome.confirmed + outcome.cancelled).toBe(ORDERS);
      expect(outcome.shakes).toBeGreaterThan(0);
    },
  );
});

import { describe, expect, test } from 'vitest';
import { SAGAS } from '../../examples/orders/fulfilment/settings.ts';
import { postgresPrograms, startPostgres } from '../../examples/orders/test/helpers/postgres.ts';
import { describeRun, runOrders, type ShakenDatabase } from '../helpers/orders-chaos.ts';

const ORDERS = Number(process.env['ORDERS'] ?? 40);

const programs = postgresPrograms();
if (programs === undefined) console.log('skipped: no postgres and initdb on PATH');

/** A server that is restarted, in turn as for maintenance and as after a power cut. */
async function restarted(): Promise<ShakenDatabase> {
  const server = await startPostgres(programs!);
  let restarts = 0;
  return {
    url: server.url,
    shake: () => server.restart(restarts++ % 2 === 0 ? 'fast' : 'crash'),
    close: () => server.stop(),
  };
}

describe.skipIf(programs === undefined)('orders on PostgreSQL', () => {
  test.each(SAGAS)(
    `${ORDERS} orders by %s, with functions killed and the server restarted`,
    {
      timeout: 600_000 + ORDERS * 3_000,
    },
    async (saga) => {
      const outcome = await runOrders({ saga, orders: ORDERS, database: restarted });
      process.stdout.write(describeRun(`${saga} on PostgreSQL`, outcome));
      expect(outcome.violations).toEqual([]);
      expect(outcome.confirmed + outcome.cancelled).toBe(ORDERS);
      expect(outcome.shakes).toBeGreaterThan(0);
    },
  );
});

import type { LocalServices } from '../../../local/hook.ts';
import { migrate, ownMigrations } from '../database/migrate.ts';
import { createPool, type Pool } from '../database/pool.ts';
import { startEmbedded } from './embedded.ts';
import { startGateway } from './gateway.ts';

/** Pieces of each product in a new warehouse. Nothing is left of the last one. */
const STOCK: Readonly<Record<string, number>> = { 'prod-tea': 1_000, 'prod-cup': 500, 'prod-pot': 0 };

/** A database and a payment gateway, unless the operator gave the addresses of others. */
export const services: LocalServices = {
  async database({ dir, settings }) {
    if (settings['DATABASE_URL'] !== undefined) return undefined;
    const { url, close } = await startEmbedded({ dir });
    const pool = createPool({ url, connections: 1 });
    await migrate(pool, await ownMigrations());
    await fill(pool);
    await pool.close();
    return { env: { DATABASE_URL: url }, shown: `psql ${url}`, close };
  },
  async gateway({ settings }) {
    if (settings['PAYMENT_GATEWAY_URL'] !== undefined) return undefined;
    const { url, close } = await startGateway();
    return { env: { PAYMENT_GATEWAY_URL: url }, shown: `${url}  (payments)`, close };
  },
};

async function fill(pool: Pool): Promise<void> {
  for (const [product, pieces] of Object.entries(STOCK)) {
    await pool.query(
      'insert into stock (product_id, available) values ($1, $2) on conflict (product_id) do nothing',
      [product, pieces],
    );
  }
}

import { randomUUID } from 'node:crypto';
import type { Demo, DemoContext } from '../../../local/hook.ts';
import { createPool, type Pool } from '../database/pool.ts';

interface Item {
  productId: string;
  quantity: number;
  unitPrice: number;
}

/** Walks one order that is confirmed, and one that is compensated because nothing is left of its product. */
export const demo: Demo = async (context) => {
  const url = context.services['database']?.env['DATABASE_URL'];
  if (url === undefined) throw new Error('the demo needs the embedded database: leave DATABASE_URL unset');
  const pool = createPool({ url, connections: 2 });
  try {
    context.print('an order of two pots of tea, and a cup');
    await walk(context, pool, 'order.confirmed', [
      { productId: 'prod-tea', quantity: 2, unitPrice: 1_250 },
      { productId: 'prod-cup', quantity: 1, unitPrice: 499 },
    ]);
    context.print('an order of a pot, of which none is left: what was paid is paid back');
    await walk(context, pool, 'order.cancelled', [{ productId: 'prod-pot', quantity: 1, unitPrice: 8_900 }]);
    await get(context, `sales/${new Date().toISOString().slice(0, 10)}`);
  } finally {
    await pool.close();
  }
};

async function walk(context: DemoContext, pool: Pool, end: string, items: Item[]): Promise<void> {
  const { print, until } = context;
  const order = { customerId: `cust-${randomUUID().slice(0, 8)}`, currency: 'EUR', items };
  print(`POST /orders ${JSON.stringify(order)}`);
  const { orderId, version } = await post(context, order);
  const shown = new Set<string>();
  await until(`${orderId} has ended`, async () => {
    for (const { position, type, data } of await publishedOf(pool, orderId)) {
      if (!shown.has(position)) print(`  ${type} ${dataOf(data)}`);
      shown.add(position);
      if (type === end) return true;
    }
    return false;
  });
  await get(context, `orders/${orderId}?atLeastVersion=${version + 1}`);
  await get(context, `customers/${order.customerId}/orders`);
}

interface Row {
  position: string;
  type: string;
  /** The CloudEvent, as JSON. */
  data: string;
}

async function publishedOf(pool: Pool, orderId: string): Promise<Row[]> {
  const { rows } = await pool.query<Row>(
    `select position, type, data from outbox
     where ordering_key = $1 and published_at is not null order by position`,
    [orderId],
  );
  return rows;
}

const dataOf = (event: string): string => JSON.stringify((JSON.parse(event) as { data: unknown }).data);

async function post(
  { endpoints, print, signal }: DemoContext,
  order: object,
): Promise<{ orderId: string; version: number }> {
  const response = await fetch(`${endpoints.functions['ordersApi']}orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: JSON.stringify(order),
    signal,
  });
  const text = await response.text();
  print(`ordersApi: ${response.status} ${text}`);
  if (response.status !== 201) throw new Error(`the answer must be 201, got ${response.status}`);
  return JSON.parse(text) as { orderId: string; version: number };
}

async function get({ endpoints, print, signal }: DemoContext, path: string): Promise<void> {
  const response = await fetch(`${endpoints.functions['ordersApi']}${path}`, { signal });
  print(`GET /${path}: ${response.status} ${await response.text()}`);
  if (response.status !== 200) throw new Error(`the answer must be 200, got ${response.status}`);
}

import type { Sql } from '../../../shared/patterns/sql.ts';

export interface Line {
  productId: string;
  quantity: number;
}

export type Reservation =
  | { kind: 'reserved'; items: Line[] }
  /** Nothing is set aside: there is too little of this product, or none of it. */
  | { kind: 'short'; productId: string }
  /** The order was released before: nothing can be reserved for it any more. */
  | { kind: 'released' };

/** The lines of an order, one a product, in the order of their ids. */
export function byProduct(items: readonly Line[]): Line[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of items) {
    quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  }
  return [...quantities]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((a, b) => (a.productId < b.productId ? -1 : 1));
}

/** The first line of which too little is there. */
export function shortLine(lines: readonly Line[], available: ReadonlyMap<string, number>): Line | undefined {
  return lines.find(({ productId, quantity }) => (available.get(productId) ?? 0) < quantity);
}

/** Sets all items aside, or none. It does so each time it is called: the inbox keeps an event from doing it twice. */
export async function reserve(sql: Sql, orderId: string, items: readonly Line[]): Promise<Reservation> {
  if ((await lockOrder(sql, orderId)).isReleased) return { kind: 'released' };
  const lines = byProduct(items);
  const short = shortLine(lines, await lockProducts(sql, lines));
  if (short) return { kind: 'short', productId: short.productId };
  await move(sql, orderId, lines);
  return { kind: 'reserved', items: lines };
}

/** Puts back whatever is set aside for the order, and keeps it from being reserved later. */
export async function release(sql: Sql, orderId: string): Promise<Line[]> {
  await lockOrder(sql, orderId);
  await sql.query('update stock_orders set is_released = true where order_id = $1', [orderId]);
  const { rows: held } = await sql.query<Line>(
    `select product_id as "productId", sum(quantity)::integer as quantity from stock_moves
     where order_id = $1 group by product_id having sum(quantity) > 0 order by product_id`,
    [orderId],
  );
  const lines = held.map(({ productId, quantity }) => ({ productId, quantity: -quantity }));
  if (lines.length > 0) {
    await lockProducts(sql, lines);
    await move(sql, orderId, lines);
  }
  return held;
}

/** What the order consists of, for a reservation that nobody asks for by name. */
export async function knowItems(sql: Sql, orderId: string, items: readonly Line[]): Promise<void> {
  await lockOrder(sql, orderId);
  const lines = JSON.stringify(byProduct(items));
  await sql.query('update stock_orders set items = $2 where order_id = $1', [orderId, lines]);
}

/** Empty if nobody has said what the order consists of. */
export async function knownItems(sql: Sql, orderId: string): Promise<Line[]> {
  const { rows } = await sql.query<{ items: Line[] | null }>(
    'select items from stock_orders where order_id = $1',
    [orderId],
  );
  return rows[0]?.items ?? [];
}

async function lockOrder(sql: Sql, orderId: string): Promise<{ isReleased: boolean }> {
  const { rows } = await sql.query<{ isReleased: boolean }>(
    `insert into stock_orders (order_id) values ($1)
     on conflict (order_id) do update set order_id = excluded.order_id
     returning is_released as "isReleased"`,
    [orderId],
  );
  return rows[0]!;
}

/** In the order of their ids: two transactions with the same products wait for each other, and never both. */
async function lockProducts(sql: Sql, lines: readonly Line[]): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ productId: string; available: number }>(
    `select product_id as "productId", available from stock
     where product_id = any($1) order by product_id for update`,
    [lines.map(({ productId }) => productId)],
  );
  return new Map(rows.map(({ productId, available }) => [productId, available]));
}

const MOVE = `
with lines as (select * from unnest($2::text[], $3::integer[]) as line (product_id, quantity)),
taken as (
  update stock set available = available - lines.quantity
  from lines where stock.product_id = lines.product_id
)
insert into stock_moves (order_id, product_id, quantity) select $1, product_id, quantity from lines`;

async function move(sql: Sql, orderId: string, lines: readonly Line[]): Promise<void> {
  const ids = lines.map(({ productId }) => productId);
  await sql.query(MOVE, [orderId, ids, lines.map(({ quantity }) => quantity)]);
}

import type { Database } from '../../../../shared/patterns/sql.ts';
import type { Charge } from '../../local/gateway.ts';

/**
 * What must hold once every order has ended: money and stock are those of the confirmed orders, whatever happened on
 * the way. Returns the violations.
 */
export async function violations(
  database: Database,
  charges: readonly Charge[],
  initialStock: Readonly<Record<string, number>>,
): Promise<string[]> {
  const { rows: orders } = await database.query<{
    orderId: string;
    total: number;
    last: string;
    ends: number;
  }>(
    `select created.stream as "orderId", (created.data->>'total')::integer as total,
       (select type from events last where last.stream = created.stream order by version desc limit 1) as last,
       (select count(*)::integer from events one where one.stream = created.stream
         and type in ('order.confirmed', 'order.cancelled')) as ends
     from events created where created.version = 1 order by created.stream`,
  );
  const { rows: held } = await database.query<{ orderId: string; productId: string; quantity: number }>(
    `select order_id as "orderId", product_id as "productId", sum(quantity)::integer as quantity
     from stock_moves group by order_id, product_id having sum(quantity) <> 0`,
  );
  const { rows: wanted } = await database.query<{ orderId: string; productId: string; quantity: number }>(
    `select stream as "orderId", item->>'productId' as "productId", sum((item->>'quantity')::integer)::integer as quantity
     from events, jsonb_array_elements(data->'items') item where type = 'order.created'
     group by stream, item->>'productId'`,
  );
  const { rows: stock } = await database.query<{ productId: string; available: number }>(
    'select product_id as "productId", available from stock',
  );
  const linesOf = (rows: typeof held, id: string): string =>
    JSON.stringify(
      rows
        .filter(({ orderId }) => orderId === id)
        .map(({ productId, quantity }) => [productId, quantity])
        .sort(),
    );
  const found = orders.flatMap(({ orderId, total, last, ends }) => {
    const own = charges.filter(({ reference }) => reference === orderId);
    const paid = own.reduce((sum, { amount, isRefunded }) => sum + (isRefunded ? 0 : amount), 0);
    const isSold = last === 'order.confirmed';
    const items = isSold ? linesOf(wanted, orderId) : '[]';
    return [
      ...(ends === 1 ? [] : [`${orderId}: ${ends} ends, the last event is ${last}`]),
      ...(paid === (isSold ? total : 0) ? [] : [`${orderId}: ${last}, and ${paid} of ${total} paid`]),
      ...(own.length <= 1 ? [] : [`${orderId}: charged ${own.length} times`]),
      ...(linesOf(held, orderId) === items
        ? []
        : [`${orderId}: ${last}, and ${linesOf(held, orderId)} held of ${items}`]),
    ];
  });
  const short = stock.flatMap(({ productId, available }) => {
    const sold = held
      .filter((one) => one.productId === productId)
      .reduce((sum, { quantity }) => sum + quantity, 0);
    const expected = (initialStock[productId] ?? 0) - sold;
    return available === expected && available >= 0
      ? []
      : [`${productId}: ${available} available instead of ${expected}`];
  });
  return [...found, ...short];
}

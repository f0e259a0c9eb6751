import { parseDatabaseUrl } from '../../../examples/orders/database/connect.ts';
import { createPool } from '../../../examples/orders/database/pool.ts';
import type { OrderCreated2 } from '../../../examples/orders/schemas/types.ts';
import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';

export const { handle } = messageHandler({
  types: ['payment.processed'],
  settings: parseDatabaseUrl,
  open({ settings: url }) {
    const pool = createPool({ url, connections: 10 });
    return async ({ data: { orderId } }, { publish }) => {
      const { rows } = await pool.query<{ data: OrderCreated2 }>(
        'select data from plain_orders where order_id = $1',
        [orderId],
      );
      const items = rows[0]!.data.items.map(({ productId, quantity }) => ({ productId, quantity }));
      for (const { productId, quantity } of items) {
        await pool.query('update stock set available = available - $2 where product_id = $1', [
          ...[productId, quantity],
        ]);
      }
      await publish('events', { type: 'stock.reserved', data: { orderId, items } });
      return outcome('reserved');
    };
  },
});

import { parseDatabaseUrl } from '../../../examples/orders/database/connect.ts';
import { createPool } from '../../../examples/orders/database/pool.ts';
import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';

export const { handle } = messageHandler({
  types: ['stock.reserved'],
  settings: parseDatabaseUrl,
  open({ settings: url }) {
    const pool = createPool({ url, connections: 10 });
    return async ({ data: { orderId } }, { publish }) => {
      await pool.query("update plain_orders set status = 'confirmed' where order_id = $1", [orderId]);
      await publish('events', { type: 'order.confirmed', data: { orderId } });
      return outcome('confirmed');
    };
  },
});

import { parseDatabaseUrl } from '../../../examples/orders/database/connect.ts';
import { createPool } from '../../../examples/orders/database/pool.ts';
import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';

export const { handle } = messageHandler({
  types: ['order.created'],
  settings: parseDatabaseUrl,
  open({ settings: url }) {
    const pool = createPool({ url, connections: 10 });
    return async ({ data: { orderId, total: amount, currency } }, { publish }) => {
      await pool.query("update plain_orders set status = 'paid' where order_id = $1", [orderId]);
      const data = { orderId, amount, currency, paymentId: 'ch-1' };
      await publish('events', { type: 'payment.processed', data });
      return outcome('paid');
    };
  },
});

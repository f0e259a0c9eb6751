import { randomUUID } from 'node:crypto';
import { parseDatabaseUrl } from '../../../examples/orders/database/connect.ts';
import { createPool } from '../../../examples/orders/database/pool.ts';
import type { OrderCreated2 } from '../../../examples/orders/schemas/types.ts';
import { sha256 } from '../../../shared/core/sha256.ts';
import { jsonAnswer } from '../../../shared/invocation/problem.ts';
import { requestHandler } from '../../../shared/invocation/request-handler.ts';

export const { serve } = requestHandler({
  settings: parseDatabaseUrl,
  open({ settings: url }) {
    const pool = createPool({ url, connections: 20 });
    return async ({ body }, { callsOf }) => {
      const order = JSON.parse(body.toString()) as OrderCreated2;
      const data = { ...order, orderId: `ord-${randomUUID()}` };
      await pool.query('insert into plain_orders values ($1, $2, $3)', [
        ...[data.orderId, 'created', JSON.stringify(data)],
      ]);
      const { publish } = await callsOf(sha256(data.orderId));
      await publish('events', { type: 'order.created', data });
      return jsonAnswer(201, data);
    };
  },
});

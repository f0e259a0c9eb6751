import type { StoredEvent } from '../../../shared/patterns/event-store.ts';
import type { Projection } from '../../../shared/patterns/projection.ts';
import type { Sql } from '../../../shared/patterns/sql.ts';

/** Schema of the read models that are queried, and the name of their projection. */
export const LIVE = 'read_models';

/**
 * Read models of orders in a schema: `orders`, `customer_orders` and `daily_sales`. An order is created before it is
 * confirmed or cancelled, and confirmed before it is shipped, each at most once: so a batch is applied type by type,
 * in a few statements however large it is.
 */
export function readModels(schema: string): Projection {
  const statements = statementsOf(schema);
  return {
    name: schema,
    async apply(sql, events) {
      for (const [type, texts] of Object.entries(statements)) await applyType(sql, events, type, texts);
    },
  };
}

async function applyType(
  sql: Sql,
  events: readonly StoredEvent[],
  type: string,
  statements: readonly string[],
): Promise<void> {
  const own = events.filter((event) => event.type === type);
  if (own.length === 0) return;
  const json = JSON.stringify(own);
  for (const statement of statements) await sql.query(statement, [json]);
}

const EVENTS = `
jsonb_to_recordset($1::jsonb) as event (stream text, version integer, data jsonb, time timestamptz)`;

function statementsOf(schema: string): Readonly<Record<string, readonly string[]>> {
  return {
    'order.created': [
      `insert into ${schema}.orders
         (order_id, customer_id, status, version, currency, total, items, channel, created_at, updated_at)
       select stream, data->>'customerId', 'created', version, data->>'currency', (data->>'total')::bigint,
         data->'items', data->>'channel', time, time
       from ${EVENTS}`,
      `insert into ${schema}.customer_orders (customer_id, created_at, order_id, status, currency, total)
       select data->>'customerId', time, stream, 'created', data->>'currency', (data->>'total')::bigint
       from ${EVENTS}`,
    ],
    'order.confirmed': [
      ...statusStatements(schema, 'confirmed'),
      `insert into ${schema}.daily_sales (day, currency, orders, total)
       select (time at time zone 'UTC')::date, currency, count(*), sum(total)
       from ${EVENTS} join ${schema}.orders on order_id = stream
       group by 1, 2
       on conflict (day, currency) do update
       set orders = daily_sales.orders + excluded.orders, total = daily_sales.total + excluded.total`,
    ],
    'order.cancelled': statusStatements(schema, 'cancelled'),
    'order.shipped': statusStatements(schema, 'shipped'),
  };
}

const statusStatements = (schema: string, status: string): string[] => [
  `update ${schema}.orders
   set status = '${status}', version = event.version, updated_at = event.time,
     reason = coalesce(event.data->>'reason', reason),
     tracking_id = coalesce(event.data->>'trackingId', tracking_id)
   from ${EVENTS} where order_id = event.stream`,
  `update ${schema}.customer_orders set status = '${status}' from ${EVENTS} where order_id = event.stream`,
];

import type { Sql } from '../../../shared/patterns/sql.ts';
import { LIVE } from '../read-models/project-orders.ts';

export interface OrderView {
  orderId: string;
  customerId: string;
  status: string;
  version: number;
  /** Minor units. */
  total: number;
  currency: string;
  items: unknown;
  channel?: string;
  reason?: string;
  trackingId?: string;
  createdAt: string;
  updatedAt: string;
}

/** A page of a customer's orders, newest first. */
export interface CustomerOrders {
  customerId: string;
  orders: Pick<OrderView, 'orderId' | 'status' | 'total' | 'currency' | 'createdAt'>[];
  /** Token of the next page; absent on the last one. */
  after?: string;
}

export interface DailySales {
  day: string;
  sales: { currency: string; orders: number; total: number }[];
}

/** Where a page ends: the time and id of its last order. */
export interface Cursor {
  createdAt: string;
  orderId: string;
}

const ORDER = `
select order_id as "orderId", customer_id as "customerId", status, version, total, currency, items, channel, reason,
  tracking_id as "trackingId", created_at as "createdAt", updated_at as "updatedAt"
from ${LIVE}.orders where order_id = $1`;

interface OrderRow extends Omit<OrderView, 'total' | 'createdAt' | 'updatedAt'> {
  /** A bigint. */
  total: string;
  createdAt: Date;
  updatedAt: Date;
}

export async function orderView(sql: Sql, orderId: string): Promise<OrderView | undefined> {
  const { rows } = await sql.query<OrderRow>(ORDER, [orderId]);
  if (rows[0] === undefined) return undefined;
  const { total, createdAt, updatedAt, ...order } = rows[0];
  const given = Object.entries(order).filter(([, value]) => value !== null);
  return {
    // null stands for a field that is not there
    ...(Object.fromEntries(given) as typeof order),
    total: Number(total),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

const CUSTOMER_ORDERS = `
select order_id as "orderId", status, total, currency, created_at as "createdAt"
from ${LIVE}.customer_orders
where customer_id = $1 and ($2::timestamptz is null or (created_at, order_id) < ($2, $3))
order by created_at desc, order_id desc
limit $4`;

export async function customerOrders(
  sql: Sql,
  customerId: string,
  { limit, after }: { limit: number; after: Cursor | undefined },
): Promise<CustomerOrders> {
  type Row = Pick<OrderRow, 'orderId' | 'status' | 'total' | 'currency' | 'createdAt'>;
  const { rows } = await sql.query<Row>(CUSTOMER_ORDERS, [
    ...[customerId, after?.createdAt ?? null, after?.orderId ?? null],
    limit + 1,
  ]);
  const orders = rows.slice(0, limit).map(({ total, createdAt, ...order }) => {
    return { ...order, total: Number(total), createdAt: createdAt.toISOString() };
  });
  const last = rows.length > limit ? orders.at(-1) : undefined;
  return { customerId, orders, ...(last && { after: cursorText(last) }) };
}

const DAILY_SALES = `
select currency, orders, total from ${LIVE}.daily_sales where day = $1::date order by currency`;

/** `day` is a date such as `2026-11-22`, in UTC. */
export async function dailySales(sql: Sql, day: string): Promise<DailySales> {
  const { rows } = await sql.query<{ currency: string; orders: string; total: string }>(DAILY_SALES, [day]);
  const sales = rows.map(({ currency, orders, total }) => {
    return { currency, orders: Number(orders), total: Number(total) };
  });
  return { day, sales };
}

const cursorText = ({ createdAt, orderId }: Cursor): string => `${createdAt}_${orderId}`;

const CURSOR = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)_(ord-[0-9A-Za-z-]{1,60})$/;

/** Undefined if it is no cursor of ours. */
export function parseCursor(text: string): Cursor | undefined {
  const [, createdAt, orderId] = CURSOR.exec(text) ?? [];
  const isTime = createdAt !== undefined && !Number.isNaN(Date.parse(createdAt));
  return isTime && orderId !== undefined ? { createdAt, orderId } : undefined;
}

import type { Sql } from '../../../shared/patterns/sql.ts';
import type { ChargeAnswer, ChargeRequest } from './gateway.ts';

export type PaymentState = 'charging' | 'charged' | 'declined' | 'refunding' | 'refunded';

/**
 * Notes that the order is about to be charged, and returns the payment's state: the gateway may be asked only if that
 * is `charging`. A refund that came first has left another one.
 */
export async function beginCharge(
  sql: Sql,
  { reference, amount, currency }: Omit<ChargeRequest, 'customerId'>,
): Promise<PaymentState> {
  await sql.query(
    `insert into payments (order_id, state, amount, currency) values ($1, 'charging', $2, $3)
     on conflict do nothing`,
    [reference, amount, currency],
  );
  const { rows } = await sql.query<{ state: PaymentState }>(
    'select state from payments where order_id = $1',
    [reference],
  );
  return rows[0]!.state;
}

/** False if a refund has begun since: whatever was charged is paid back by it, and there is nothing to announce. */
export async function settleCharge(
  sql: Sql,
  orderId: string,
  answer: Exclude<ChargeAnswer, { kind: 'reversed' }>,
): Promise<boolean> {
  const paymentId = answer.kind === 'charged' ? answer.paymentId : null;
  const { rowCount } = await sql.query(
    `update payments set state = $2, payment_id = $3 where order_id = $1 and state = 'charging'`,
    [orderId, answer.kind, paymentId],
  );
  return rowCount === 1;
}

export interface Refund {
  /** `refunding`: the gateway has to be asked. Otherwise nothing is charged any more. */
  state: 'refunding' | 'refunded' | 'declined';
  /** What was paid back, in minor units. */
  refunded: number;
  currency: string;
}

/**
 * Notes that the order is about to be refunded: from now on it is not charged. If it has never been charged, `currency`
 * is that of the refund.
 */
export async function beginRefund(sql: Sql, orderId: string, currency: string): Promise<Refund> {
  const { rows } = await sql.query<Pick<Refund, 'state' | 'currency'> & { refunded: string }>(
    `insert into payments as payment (order_id, state, currency) values ($1, 'refunding', $2)
     on conflict (order_id) do update set state =
       case when payment.state in ('charging', 'charged') then 'refunding' else payment.state end
     returning state, refunded, currency`,
    [orderId, currency],
  );
  const row = rows[0]!;
  return { ...row, refunded: Number(row.refunded) };
}

export async function settleRefund(sql: Sql, orderId: string, refunded: number): Promise<void> {
  await sql.query(
    `update payments set state = 'refunded', refunded = $2 where order_id = $1 and state = 'refunding'`,
    [orderId, refunded],
  );
}

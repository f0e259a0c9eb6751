import type { Sql } from '../../../shared/patterns/sql.ts';
import type { Saga } from './settings.ts';

/**
 * How an order is carried out. The first function that asks decides it, by its setting, for all of them: while a new
 * setting is rolled out, some instances have the old one, and yet each order is carried out in one way.
 */
export async function chosenSaga(sql: Sql, orderId: string, setting: Saga): Promise<Saga> {
  await sql.query('insert into fulfilments (order_id, saga) values ($1, $2) on conflict do nothing', [
    orderId,
    setting,
  ]);
  const { rows } = await sql.query<{ saga: Saga }>('select saga from fulfilments where order_id = $1', [
    orderId,
  ]);
  return rows[0]!.saga;
}

/** In an orchestration only commands ask for something; in a choreography nobody sends any, and the events do. */
export function asksFor(type: string, saga: Saga): boolean {
  return type.startsWith('command.') === (saga === 'orchestration');
}

/** A customer may cancel at any time until the order is confirmed: then whatever was done for it is undone. */
export const CANCELLED_BY_CUSTOMER = 'customer';

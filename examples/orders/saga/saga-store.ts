import type { CloudEvent } from '../../../shared/events/cloud-event.ts';
import { enqueue } from '../../../shared/patterns/outbox.ts';
import type { SagaMove, SagaState } from '../../../shared/patterns/saga.ts';
import type { Sql } from '../../../shared/patterns/sql.ts';
import { type Prepare, TOPIC } from '../order/change-order.ts';
import type { OrderCreated2 } from '../schemas/types.ts';
import { commandMessage } from './commands.ts';

export interface StoredSaga {
  order: OrderCreated2;
  state: SagaState;
  /** The event that moved it last. */
  cause: CloudEvent;
}

const COLUMNS = 'order_data as order, state, cause';

/** Locks the saga until the transaction ends. */
export async function lockedSaga(sql: Sql, orderId: string): Promise<StoredSaga | undefined> {
  const { rows } = await sql.query<StoredSaga>(
    `select ${COLUMNS} from sagas where order_id = $1 for update`,
    [orderId],
  );
  return rows[0];
}

/** Locks the next saga whose answer is overdue; others that are at it skip it. */
export async function overdueSaga(sql: Sql, now: number): Promise<StoredSaga | undefined> {
  const { rows } = await sql.query<StoredSaga>(
    `select ${COLUMNS} from sagas where deadline <= to_timestamp($1 / 1000.0)
     order by deadline limit 1 for update skip locked`,
    [now],
  );
  return rows[0];
}

const SAVE = `
insert into sagas (order_id, order_data, state, deadline, cause)
values ($1, $2, $3, to_timestamp($4 / 1000.0), $5)
on conflict (order_id) do update
set state = excluded.state, deadline = excluded.deadline, cause = excluded.cause`;

/** Stores the new state and the command that follows from it: nobody sees the command before the state is stored. */
export async function saveMove(
  sql: Sql,
  { order, cause }: Omit<StoredSaga, 'state'>,
  { state, command }: SagaMove,
  prepare: Prepare,
): Promise<void> {
  const json = [order, state].map((value) => JSON.stringify(value));
  await sql.query(SAVE, [order.orderId, ...json, state.deadline ?? null, JSON.stringify(cause)]);
  if (command !== undefined) {
    await enqueue(sql, [await prepare(TOPIC, commandMessage(command, order, state))]);
  }
}

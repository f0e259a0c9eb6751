import type { EventToPublish, PreparedEvent } from '../../../shared/events/publish.ts';
import { type Carried, carryOut } from '../../../shared/patterns/decider.ts';
import type { StoredEvent } from '../../../shared/patterns/event-store.ts';
import { enqueue } from '../../../shared/patterns/outbox.ts';
import type { Sql } from '../../../shared/patterns/sql.ts';
import { type Order, type OrderCommand, type OrderRejection, orderDecider } from './decider.ts';

/** A handler's own `prepare`, so that what it publishes is linked to what caused it. */
export type Prepare = (topic: string, event: EventToPublish) => Promise<PreparedEvent>;

/** Key of the topic of all events of this app. */
export const TOPIC = 'events';

/**
 * Carries out a command on an order: its events and their messages are written in the transaction of `sql`. Afterwards
 * somebody has to nudge the relay, or the events wait for its next tick.
 *
 * @example
 * const changed = await database.transaction(async (sql) => {
 *   if (!(await inbox(sql, 'confirmOrder', eventId))) return undefined;
 *   return changeOrder(sql, orderId, { type: 'confirm' }, prepare);
 * });
 */
export async function changeOrder(
  sql: Sql,
  orderId: string,
  command: OrderCommand,
  prepare: Prepare,
): Promise<Carried<Order, OrderRejection>> {
  const changed = await carryOut(sql, orderDecider, orderId, command);
  if (changed.kind === 'rejected') return changed;
  const messages: PreparedEvent[] = [];
  for (const event of changed.events) messages.push(await prepare(TOPIC, messageOf(event)));
  await enqueue(sql, messages);
  return changed;
}

/** Stream and version identify the event, so whoever publishes it, and however often, gives it the same id. */
function messageOf({ stream, version, type, data, time }: StoredEvent): EventToPublish {
  return {
    ...{ type, data, time },
    id: `${stream}.${version}`,
    source: '/orders',
    subject: `orders/${stream}`,
    orderingKey: stream,
  };
}

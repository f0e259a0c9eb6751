import type { EventOf } from '../../../shared/events/cloud-event.ts';
import type { MessagePart } from '../../../shared/events/message-part.ts';
import type { Context } from '../../../shared/invocation/context.ts';
import { type Outcome, outcome } from '../../../shared/invocation/outcome.ts';
import { inbox } from '../../../shared/patterns/inbox.ts';
import { enqueue } from '../../../shared/patterns/outbox.ts';
import { runInOrder } from '../../../shared/patterns/parked-events.ts';
import type { Predecessors } from '../../../shared/patterns/parking.ts';
import type { Database, Sql } from '../../../shared/patterns/sql.ts';
import { asksFor, CANCELLED_BY_CUSTOMER, chosenSaga } from '../fulfilment/chosen-saga.ts';
import type { Saga } from '../fulfilment/settings.ts';
import { TOPIC } from '../order/change-order.ts';
import { orderMessage } from '../order/order-message.ts';
import { knowItems, knownItems, type Line, release, reserve } from './stock.ts';

export const TYPES = [
  'order.created',
  'order.cancelled',
  'payment.processed',
  'command.reserve',
  'command.release',
] as const;

/** Only order.created says what the order consists of. */
export const STOCK_ORDER: Predecessors = { 'payment.processed': ['order.created'] };

export type StockEvent = EventOf<(typeof TYPES)[number]>;
export type StockContext = Pick<Context<unknown>, 'prepare' | 'forEvent' | 'clock'>;

export interface StockServiceOptions {
  /** The consumer in the inbox. */
  name: string;
  database: Database;
  saga: Saga;
  /** How long a payment waits for its order. */
  parkMs: number;
}

/**
 * Reserves and releases stock: effect, inbox and outgoing event are one transaction. In a choreography it reserves for
 * each payment, and knows the items from the order's own event; in an orchestration it does as it is told.
 */
export function stockService({ name, database, saga, parkMs }: StockServiceOptions) {
  return async (
    event: StockEvent,
    context: StockContext,
    part: () => Pick<MessagePart, 'input'>,
  ): Promise<Outcome> =>
    database.transaction(async (sql) => {
      const { orderId } = event.data;
      const chosen = await chosenSaga(sql, orderId, saga);
      if (!asksFor(event.type, chosen)) return outcome('ignored', { saga: chosen });
      if (event.type === 'order.cancelled' && event.data.reason !== CANCELLED_BY_CUSTOMER) {
        return outcome('ignored', { saga: chosen }, 'nothing left to release');
      }
      if (!(await inbox(sql, name, event.eventId))) return outcome('duplicate');
      if (event.type === 'command.reserve') return reserveItems(sql, event, event.data.items, context);
      if (event.type === 'command.release' || event.type === 'order.cancelled') {
        return releaseItems(sql, event, context);
      }
      const work = {
        ...{ consumer: name, subject: orderId, rules: STOCK_ORDER, event },
        ...{ input: part().input, expiresAt: context.clock.now() + parkMs },
      };
      let last = outcome('parked', {}, 'event parked until its predecessor comes');
      await runInOrder<typeof event>(sql, work, async (one) => {
        last = await choreographed(sql, one, context.forEvent(one));
      });
      return last;
    });
}

type Choreographed = Extract<StockEvent, { type: 'order.created' | 'payment.processed' }>;

async function choreographed(sql: Sql, event: Choreographed, context: StockContext): Promise<Outcome> {
  const { orderId } = event.data;
  if (event.type === 'payment.processed') {
    return reserveItems(sql, event, await knownItems(sql, orderId), context);
  }
  await knowItems(sql, orderId, event.data.items);
  return outcome('noted', { items: event.data.items.length }, 'items noted');
}

async function reserveItems(
  sql: Sql,
  { data: { orderId } }: StockEvent,
  items: readonly Line[],
  { prepare }: StockContext,
): Promise<Outcome> {
  const result = await reserve(sql, orderId, items);
  if (result.kind === 'released') return outcome('released', {}, 'order was released before');
  const report =
    result.kind === 'reserved'
      ? orderMessage('stock.reserved', { orderId, items: result.items })
      : orderMessage('stock.rejected', { orderId, productId: result.productId });
  await enqueue(sql, [await prepare(TOPIC, report)]);
  return outcome(result.kind, { items: items.length }, 'reservation settled');
}

async function releaseItems(
  sql: Sql,
  { data: { orderId } }: StockEvent,
  { prepare }: StockContext,
): Promise<Outcome> {
  const items = await release(sql, orderId);
  await enqueue(sql, [await prepare(TOPIC, orderMessage('stock.released', { orderId, items }))]);
  return outcome('released', { items: items.length }, 'stock released');
}

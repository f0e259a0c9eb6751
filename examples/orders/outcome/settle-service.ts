import { AppError } from '../../../shared/core/errors.ts';
import type { EventOf } from '../../../shared/events/cloud-event.ts';
import type { Context } from '../../../shared/invocation/context.ts';
import { type Outcome, outcome } from '../../../shared/invocation/outcome.ts';
import { inbox } from '../../../shared/patterns/inbox.ts';
import type { Database } from '../../../shared/patterns/sql.ts';
import { asksFor, chosenSaga } from '../fulfilment/chosen-saga.ts';
import type { Saga } from '../fulfilment/settings.ts';
import { changeOrder } from '../order/change-order.ts';
import type { OrderCommand } from '../order/decider.ts';

export const TYPES = [
  'stock.reserved',
  'payment.failed',
  'payment.refunded',
  'command.confirm',
  'command.cancel',
] as const;

export type SettlingEvent = EventOf<(typeof TYPES)[number]>;

export interface SettleServiceOptions {
  /** The consumer in the inbox. */
  name: string;
  database: Database;
  saga: Saga;
}

/** What becomes of the order. In a choreography, a refund means that there was no stock for what had been paid. */
function commandOf(event: SettlingEvent): Extract<OrderCommand, { type: 'confirm' | 'cancel' }> {
  switch (event.type) {
    case 'stock.reserved':
    case 'command.confirm':
      return { type: 'confirm' };
    case 'payment.failed':
      return { type: 'cancel', reason: 'declined' };
    case 'payment.refunded':
      return { type: 'cancel', reason: 'out-of-stock' };
    case 'command.cancel':
      return { type: 'cancel', reason: event.data.reason };
  }
}

/** Confirms and cancels orders: the order's own events, the inbox and the outbox are one transaction. */
export function settleService({ name, database, saga }: SettleServiceOptions) {
  return async (event: SettlingEvent, { prepare }: Pick<Context<unknown>, 'prepare'>): Promise<Outcome> =>
    database.transaction(async (sql) => {
      const { orderId } = event.data;
      const chosen = await chosenSaga(sql, orderId, saga);
      if (!asksFor(event.type, chosen)) return outcome('ignored', { saga: chosen });
      if (!(await inbox(sql, name, event.eventId))) return outcome('duplicate');
      const changed = await changeOrder(sql, orderId, commandOf(event), prepare);
      if (changed.kind === 'accepted') {
        const { status } = changed.state;
        return changed.events.length > 0 ? outcome(status) : outcome('unchanged', { is: status });
      }
      if (changed.reason === 'unknown') {
        throw new AppError('app-unknown-order', 'order must have been created, got an event about another');
      }
      // the customer was faster: the order's cancellation undoes what was done for it
      return outcome('rejected', { is: changed.reason }, 'order has ended otherwise');
    });
}

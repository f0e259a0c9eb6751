import type { EventOf } from '../../../shared/events/cloud-event.ts';
import type { Context } from '../../../shared/invocation/context.ts';
import { type Outcome, outcome } from '../../../shared/invocation/outcome.ts';
import { inbox } from '../../../shared/patterns/inbox.ts';
import { enqueue } from '../../../shared/patterns/outbox.ts';
import type { Database } from '../../../shared/patterns/sql.ts';
import { asksFor, CANCELLED_BY_CUSTOMER, chosenSaga } from '../fulfilment/chosen-saga.ts';
import type { Saga } from '../fulfilment/settings.ts';
import { TOPIC } from '../order/change-order.ts';
import { orderMessage } from '../order/order-message.ts';
import type { PaymentGateway } from './gateway.ts';
import { beginCharge, beginRefund, settleCharge, settleRefund } from './payments.ts';

export const TYPES = [
  'order.created',
  'order.cancelled',
  'stock.rejected',
  'command.pay',
  'command.refund',
] as const;

export type PaymentEvent = EventOf<(typeof TYPES)[number]>;
type PayEvent = Extract<PaymentEvent, { type: 'order.created' | 'command.pay' }>;
type RefundEvent = Exclude<PaymentEvent, PayEvent>;

/** ISO 4217's code for a transaction without a currency. */
const NO_CURRENCY = 'XXX';

export interface PaymentServiceOptions {
  /** The consumer in the inbox. */
  name: string;
  database: Database;
  gateway: PaymentGateway;
  saga: Saga;
}

/** The part of a delivery's context that it needs. */
export type PaymentContext = Pick<Context<unknown>, 'prepare' | 'signal' | 'dependency'>;

/**
 * Charges and refunds orders. The gateway is asked outside of any transaction, under a key that belongs to the order:
 * however often it is asked, by whichever event, it charges once. What it answered is stored together with the event
 * that reports it. A decline is an answer, so it is reported and acknowledged; only a gateway that gives none is asked
 * again.
 */
export function paymentService({ name, database, gateway, saga }: PaymentServiceOptions) {
  return async (event: PaymentEvent, context: PaymentContext): Promise<Outcome> => {
    const chosen = await chosenSaga(database, event.data.orderId, saga);
    if (!asksFor(event.type, chosen)) return outcome('ignored', { saga: chosen });
    if (event.type === 'order.cancelled' && event.data.reason !== CANCELLED_BY_CUSTOMER) {
      return outcome('ignored', { saga: chosen }, 'nothing left to pay back');
    }
    return event.type === 'order.created' || event.type === 'command.pay'
      ? pay(event, context)
      : refund(event, context);
  };

  async function pay({ eventId, data }: PayEvent, context: PaymentContext): Promise<Outcome> {
    const { orderId, customerId, total: amount, currency } = data;
    const request = { reference: orderId, customerId, amount, currency };
    const state = await beginCharge(database, request);
    if (state !== 'charging') return outcome('duplicate', { state }, 'payment was settled before');
    const { prepare, signal, dependency } = context;
    const answer = await dependency('payment gateway', () =>
      gateway.charge(request, `charge-${orderId}`, signal),
    );
    if (answer.kind === 'reversed') return outcome('reversed', {}, 'payment was reversed before it was made');
    return database.transaction(async (sql) => {
      if (!(await inbox(sql, name, eventId))) return outcome('duplicate');
      if (!(await settleCharge(sql, orderId, answer))) {
        return outcome('reversed', {}, 'payment is being reversed');
      }
      const report =
        answer.kind === 'charged'
          ? orderMessage('payment.processed', { orderId, paymentId: answer.paymentId, amount, currency })
          : orderMessage('payment.failed', { orderId, reason: 'declined' });
      await enqueue(sql, [await prepare(TOPIC, report)]);
      return outcome(answer.kind, { amount, currency }, 'payment settled');
    });
  }

  async function refund({ eventId, data }: RefundEvent, context: PaymentContext): Promise<Outcome> {
    const { orderId } = data;
    // only a customer who cancels can be faster than the charge
    const begun = await beginRefund(database, orderId, 'currency' in data ? data.currency : NO_CURRENCY);
    const { prepare, signal, dependency } = context;
    const amount =
      begun.state === 'refunding'
        ? await dependency('payment gateway', () => gateway.refund(orderId, `refund-${orderId}`, signal))
        : begun.refunded;
    return database.transaction(async (sql) => {
      if (!(await inbox(sql, name, eventId))) return outcome('duplicate');
      if (begun.state === 'refunding') await settleRefund(sql, orderId, amount);
      const report = orderMessage('payment.refunded', { orderId, amount, currency: begun.currency });
      await enqueue(sql, [await prepare(TOPIC, report)]);
      return outcome('refunded', { amount, currency: begun.currency }, 'payment refunded');
    });
  }
}

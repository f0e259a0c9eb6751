import type { Decider, Decision } from '../../../shared/patterns/decider.ts';
import type { OrderCancelled1, OrderConfirmed1, OrderCreated2, OrderShipped1 } from '../schemas/types.ts';

export type OrderEvent =
  | { type: 'order.created'; data: OrderCreated2 }
  | { type: 'order.confirmed'; data: OrderConfirmed1 }
  | { type: 'order.cancelled'; data: OrderCancelled1 }
  | { type: 'order.shipped'; data: OrderShipped1 };

export type OrderCommand =
  | { type: 'create'; order: OrderCreated2 }
  | { type: 'confirm' }
  | { type: 'cancel'; reason: string }
  | { type: 'ship'; trackingId?: string };

export type Order =
  | { status: 'unknown' }
  | {
      status: 'created' | 'confirmed' | 'cancelled' | 'shipped';
      order: OrderCreated2;
      /** Why it was cancelled. */
      reason?: string;
      trackingId?: string;
    };

export type OrderRejection = 'exists' | 'unknown' | 'not-confirmed' | 'confirmed' | 'cancelled' | 'shipped';

type OrderDecision = Decision<OrderEvent, OrderRejection>;

/**
 * The life of an order: created, then confirmed or cancelled; a confirmed one is shipped. A command that has been
 * carried out already is accepted without events, so repeating it is harmless.
 */
export const orderDecider: Decider<Order, OrderCommand, OrderEvent, OrderRejection> = {
  initial: { status: 'unknown' },
  shape: 1,
  decide,
  evolve,
};

function decide(command: OrderCommand, state: Order): OrderDecision {
  if (command.type === 'create') {
    if (state.status !== 'unknown') return rejected('exists');
    return accepted({ type: 'order.created', data: command.order });
  }
  if (state.status === 'unknown') return rejected('unknown');
  const { orderId } = state.order;
  switch (command.type) {
    case 'confirm':
      if (state.status === 'confirmed' || state.status === 'shipped') return NOTHING_LEFT;
      if (state.status === 'cancelled') return rejected('cancelled');
      return accepted({ type: 'order.confirmed', data: { orderId } });
    case 'cancel':
      if (state.status === 'cancelled') return NOTHING_LEFT;
      if (state.status !== 'created') return rejected(state.status);
      return accepted({ type: 'order.cancelled', data: { orderId, reason: command.reason } });
    case 'ship': {
      if (state.status === 'shipped') return NOTHING_LEFT;
      if (state.status === 'created') return rejected('not-confirmed');
      if (state.status === 'cancelled') return rejected('cancelled');
      const { trackingId } = command;
      return accepted({
        type: 'order.shipped',
        data: { orderId, ...(trackingId !== undefined && { trackingId }) },
      });
    }
  }
}

function evolve(state: Order, event: OrderEvent): Order {
  if (event.type === 'order.created') return { status: 'created', order: event.data };
  if (state.status === 'unknown')
    throw new TypeError(`the first event must be order.created, got ${event.type}`);
  const { order } = state;
  switch (event.type) {
    case 'order.confirmed':
      return { status: 'confirmed', order };
    case 'order.cancelled':
      return { status: 'cancelled', order, reason: event.data.reason };
    case 'order.shipped': {
      const { trackingId } = event.data;
      return { status: 'shipped', order, ...(trackingId !== undefined && { trackingId }) };
    }
  }
}

const NOTHING_LEFT: OrderDecision = { kind: 'accepted', events: [] };

const accepted = (event: OrderEvent): OrderDecision => ({ kind: 'accepted', events: [event] });

const rejected = (reason: OrderRejection): OrderDecision => ({ kind: 'rejected', reason });

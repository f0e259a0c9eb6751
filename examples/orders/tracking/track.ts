import type { EventOf } from '../../../shared/events/cloud-event.ts';
import type { Predecessors } from '../../../shared/patterns/parking.ts';

export const TYPES = [
  'order.created',
  'order.confirmed',
  'order.cancelled',
  'order.shipped',
  'payment.processed',
  'payment.failed',
  'payment.refunded',
  'stock.reserved',
  'stock.rejected',
] as const;

export type TrackedEvent = EventOf<(typeof TYPES)[number]>;

/** Nothing is known of an order before it is created, and nothing is shipped that is not confirmed. */
export const TRACKING_ORDER: Predecessors = {
  'payment.processed': ['order.created'],
  'payment.failed': ['order.created'],
  'payment.refunded': ['order.created'],
  'stock.reserved': ['order.created'],
  'stock.rejected': ['order.created'],
  'order.confirmed': ['payment.processed', 'stock.reserved'],
  'order.cancelled': ['order.created'],
  'order.shipped': ['order.confirmed'],
};

/** What a customer sees of an order. */
export interface Tracking {
  status: 'created' | 'confirmed' | 'cancelled' | 'shipped';
  /** In minor units. */
  total: number;
  currency: string;
  /** When each step happened, by the type of its event: RFC 3339. */
  steps: Readonly<Record<string, string>>;
}

/** Undefined before `order.created`. */
export function track(state: Tracking | undefined, event: TrackedEvent): Tracking {
  const time = event.time ?? '';
  if (event.type === 'order.created') {
    const { total, currency } = event.data;
    return state ?? { status: 'created', total, currency, steps: { 'order.created': time } };
  }
  if (state === undefined) throw new TypeError(`order.created must come before ${event.type}`);
  const steps = { [event.type]: time, ...state.steps };
  return { ...state, steps, status: STATUS[event.type] ?? state.status };
}

const STATUS: Readonly<Partial<Record<TrackedEvent['type'], Tracking['status']>>> = {
  'order.confirmed': 'confirmed',
  'order.cancelled': 'cancelled',
  'order.shipped': 'shipped',
};

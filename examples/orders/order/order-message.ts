import type { DataOf } from '../../../shared/events/event-data.ts';
import type { EventToPublish } from '../../../shared/events/publish.ts';

/** An event about an order: all of them have one ordering key, so consumers get them in the order of their causes. */
export function orderMessage<T extends string>(
  type: T,
  data: DataOf<T> & { orderId: string },
): EventToPublish {
  const { orderId } = data;
  return { type, data, subject: `orders/${orderId}`, orderingKey: orderId };
}

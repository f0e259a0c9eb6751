import type { EventToPublish } from '../../../shared/events/publish.ts';
import type { SagaState } from '../../../shared/patterns/saga.ts';
import { orderMessage } from '../order/order-message.ts';
import type { OrderCreated2 } from '../schemas/types.ts';

/** Why an order is cancelled, by what turned its saga back. */
const REASONS: Readonly<Record<string, string>> = {
  'payment.failed': 'declined',
  'stock.rejected': 'out-of-stock',
};

/** The message of a command. It carries what its service needs, so that no service has to know the saga. */
export function commandMessage(
  command: string,
  { orderId, customerId, total, currency, items }: OrderCreated2,
  { tries: attempt, reason = '' }: SagaState,
): EventToPublish {
  switch (command) {
    case 'command.reserve':
      return orderMessage(command, {
        ...{ orderId, attempt },
        items: items.map(({ productId, quantity }) => ({ productId, quantity })),
      });
    case 'command.pay':
      return orderMessage(command, { orderId, attempt, customerId, total, currency });
    case 'command.refund':
      return orderMessage(command, { orderId, attempt, currency });
    case 'command.cancel':
      return orderMessage(command, { orderId, attempt, reason: REASONS[reason] ?? reason });
    case 'command.release':
    case 'command.confirm':
      return orderMessage(command, { orderId, attempt });
    default:
      throw new TypeError(`command must be one of the saga's, got ${command}`);
  }
}

import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { CONSUMER, PUBLISHER_ROLES } from '../fulfilment/consumer.ts';
import { sagaSettings } from '../fulfilment/settings.ts';

export const settleOrders = defineFunction({
  ...CONSUMER,
  name: 'settleOrders',
  trigger: messagePublished({
    topic: 'events',
    types: ['stock.reserved', 'payment.failed', 'payment.refunded', 'command.confirm', 'command.cancel'],
    ordering: true,
  }),
  roles: PUBLISHER_ROLES,
  refusals: {
    'app-unknown-order': 'somebody published an event about an order that is not ours: discard it',
  },
  settings: sagaSettings,
  load: () => import('./handler.ts'),
});

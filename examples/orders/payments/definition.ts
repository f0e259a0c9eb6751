import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { CONSUMER, PUBLISHER_ROLES } from '../fulfilment/consumer.ts';
import { settings } from './settings.ts';

export const handlePayments = defineFunction({
  ...CONSUMER,
  name: 'handlePayments',
  trigger: messagePublished({
    topic: 'events',
    types: ['order.created', 'order.cancelled', 'stock.rejected', 'command.pay', 'command.refund'],
    ordering: true,
  }),
  roles: PUBLISHER_ROLES,
  settings,
  load: () => import('./handler.ts'),
});

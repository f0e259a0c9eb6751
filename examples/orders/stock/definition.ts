import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { CONSUMER, PARKING_REFUSALS, PUBLISHER_ROLES } from '../fulfilment/consumer.ts';
import { settings } from './settings.ts';

export const handleStock = defineFunction({
  ...CONSUMER,
  name: 'handleStock',
  trigger: messagePublished({
    topic: 'events',
    types: ['order.created', 'order.cancelled', 'payment.processed', 'command.reserve', 'command.release'],
    ordering: true,
  }),
  roles: PUBLISHER_ROLES,
  refusals: PARKING_REFUSALS,
  settings,
  load: () => import('./handler.ts'),
});

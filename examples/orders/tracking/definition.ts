import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { CONSUMER, CONSUMER_ROLES, PARKING_REFUSALS } from '../fulfilment/consumer.ts';
import { EVENTS_OF_ORDERS } from '../fulfilment/event-filter.ts';
import { settings } from './settings.ts';

export const trackOrders = defineFunction({
  ...CONSUMER,
  name: 'trackOrders',
  trigger: messagePublished({ topic: 'events', filter: EVENTS_OF_ORDERS, ordering: true }),
  roles: CONSUMER_ROLES,
  refusals: PARKING_REFUSALS,
  settings,
  load: () => import('./handler.ts'),
});

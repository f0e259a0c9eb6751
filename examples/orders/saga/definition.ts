import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { CONSUMER, PARKING_REFUSALS, PUBLISHER_ROLES } from '../fulfilment/consumer.ts';
import { EVENTS_OF_ORDERS } from '../fulfilment/event-filter.ts';
import { settings } from './settings.ts';

export const runOrderSaga = defineFunction({
  ...CONSUMER,
  name: 'runOrderSaga',
  trigger: messagePublished({ topic: 'events', filter: EVENTS_OF_ORDERS, ordering: true }),
  roles: PUBLISHER_ROLES,
  refusals: PARKING_REFUSALS,
  settings,
  load: () => import('./handler.ts'),
});

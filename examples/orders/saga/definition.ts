import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { EVENTS_OF_ORDERS } from '../fulfilment/event-filter.ts';
import { DATABASE_SECRETS } from '../fulfilment/settings.ts';
import { WORK_TOPIC } from '../relay/definition.ts';
import { settings } from './settings.ts';

/** Requests, and connections to the database, of an instance. */
export const CONCURRENCY = 10;

export const runOrderSaga = defineFunction({
  name: 'runOrderSaga',
  trigger: messagePublished({ topic: 'events', filter: EVENTS_OF_ORDERS, ordering: true }),
  maxDeliveryAttempts: 20,
  instance: { memory: '256Mi', cpu: 1, concurrency: CONCURRENCY, maxInstances: 5, timeoutSeconds: 60 },
  roles: [
    { role: 'roles/storage.objectUser', on: 'state', reason: 'keeps a record of each failed attempt' },
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
    { role: 'roles/pubsub.publisher', on: WORK_TOPIC, reason: 'nudges the relay after a commit' },
  ],
  refusals: {
    'app-predecessor-missing':
      'replay it once the event that has to come before it has come; else discard it',
  },
  settings,
  secrets: DATABASE_SECRETS,
  load: () => import('./handler.ts'),
});

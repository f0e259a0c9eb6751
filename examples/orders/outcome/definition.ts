import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { DATABASE_SECRETS, sagaSettings } from '../fulfilment/settings.ts';
import { WORK_TOPIC } from '../relay/definition.ts';

/** Requests, and connections to the database, of an instance. */
export const CONCURRENCY = 10;

export const settleOrders = defineFunction({
  name: 'settleOrders',
  trigger: messagePublished({
    topic: 'events',
    types: ['stock.reserved', 'payment.failed', 'payment.refunded', 'command.confirm', 'command.cancel'],
    ordering: true,
  }),
  maxDeliveryAttempts: 20,
  instance: { memory: '256Mi', cpu: 1, concurrency: CONCURRENCY, maxInstances: 5, timeoutSeconds: 60 },
  roles: [
    { role: 'roles/storage.objectUser', on: 'state', reason: 'keeps a record of each failed attempt' },
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
    { role: 'roles/pubsub.publisher', on: WORK_TOPIC, reason: 'nudges the relay after a commit' },
  ],
  refusals: {
    'app-unknown-order': 'somebody published an event about an order that is not ours: discard it',
  },
  settings: sagaSettings,
  secrets: DATABASE_SECRETS,
  load: () => import('./handler.ts'),
});

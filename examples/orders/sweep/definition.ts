import { defineFunction } from '../../../shared/app/define-function.ts';
import { schedule } from '../../../shared/app/trigger.ts';
import { DATABASE_SECRETS, limitSettings } from '../fulfilment/settings.ts';
import { WORK_TOPIC } from '../relay/definition.ts';

/** Key of the topic of its ticks. */
export const SWEEP_TOPIC = 'order-sweep';

export const sweepOrders = defineFunction({
  name: 'sweepOrders',
  trigger: schedule({ cron: '* * * * *', topic: SWEEP_TOPIC }),
  // The schedule repeats: what fails five times waits for the next tick.
  maxDeliveryAttempts: 5,
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 300 },
  roles: [
    { role: 'roles/pubsub.publisher', on: WORK_TOPIC, reason: 'nudges the relay after a commit' },
    { role: 'roles/storage.objectUser', on: 'state', reason: 'keeps a record of each failed attempt' },
    {
      role: 'roles/pubsub.publisher',
      on: 'dead-letters',
      reason: 'publishes events whose predecessors did not come, and the ticks it refuses',
    },
  ],
  settings: limitSettings,
  secrets: DATABASE_SECRETS,
  load: () => import('./handler.ts'),
});

import { defineFunction } from '../../../shared/app/define-function.ts';
import { schedule } from '../../../shared/app/trigger.ts';
import { DATABASE_SECRET } from '../database/connect.ts';
import { settings } from './settings.ts';

/** Topic of the ticks that fire it; whoever commits something publishes a nudge there. */
export const WORK_TOPIC = 'order-work';

export const CONCURRENCY = 4;

export const relayOutbox = defineFunction({
  name: 'relayOutbox',
  trigger: schedule({ cron: '* * * * *', topic: WORK_TOPIC }),
  instance: { memory: '256Mi', cpu: 1, concurrency: CONCURRENCY, maxInstances: 3, timeoutSeconds: 60 },
  roles: [
    { role: 'roles/pubsub.publisher', on: 'events', reason: 'publishes what the outbox holds' },
    {
      role: 'roles/pubsub.publisher',
      on: WORK_TOPIC,
      reason: 'starts another run if there is more than one can publish',
    },
    { role: 'roles/storage.objectUser', on: 'state', reason: 'keeps a record of each failed attempt' },
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the ticks it refuses' },
  ],
  settings,
  secrets: [DATABASE_SECRET],
  load: () => import('./handler.ts'),
});

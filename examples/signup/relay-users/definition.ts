import { defineFunction } from '../../../shared/app/define-function.ts';
import { replaces, writesOnce } from '../../../shared/app/storage-roles.ts';
import { schedule } from '../../../shared/app/trigger.ts';
import { settings } from './settings.ts';

export const relayUsers = defineFunction({
  name: 'relayUsers',
  trigger: schedule({ cron: '* * * * *', topic: 'relay-users' }),
  // the schedule repeats: what fails five times waits for the next tick
  maxDeliveryAttempts: 5,
  instance: { memory: '256Mi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 60 },
  roles: [
    ...writesOnce('users', 'records the users that requests left'),
    replaces('users', [{ startsWith: 'outbox/', endsWith: '.json' }], 'deletes what is published'),
    { role: 'roles/pubsub.publisher', on: 'user-events', reason: 'publishes user.created' },
    ...writesOnce('state', 'keeps a record of each failed attempt'),
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the ticks it refuses' },
  ],
  settings,
  load: () => import('./handler.ts'),
});

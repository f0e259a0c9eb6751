import { defineFunction } from '../../shared/app/define-function.ts';
import { replaces, writesOnce } from '../../shared/app/storage-roles.ts';
import { schedule } from '../../shared/app/trigger.ts';
import { settings } from './settings.ts';

export const maintainTable = defineFunction({
  name: 'maintainTable',
  // the job's name from before functions chose their own
  trigger: schedule({ cron: '*/5 * * * *', topic: 'maintenance', job: 'maintain' }),
  // The schedule repeats: what fails five times waits for the next tick.
  maxDeliveryAttempts: 5,
  instance: { memory: '2Gi', cpu: 1, concurrency: 1, maxInstances: 1, timeoutSeconds: 540 },
  roles: [
    {
      role: 'roles/storage.objectUser',
      on: 'lake',
      reason: 'rewrites small files into large ones, and deletes files that no version needs',
    },
    ...writesOnce('state', 'keeps a record of each failed attempt'),
    replaces(
      'state',
      [{ startsWith: 'maintenance/', endsWith: '/lease.json' }],
      'renews and deletes the lease of a table',
    ),
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
  ],
  settings,
  load: () => import('./handler.ts'),
  subject: async () => (await import('./subject.ts')).subjectOf,
});

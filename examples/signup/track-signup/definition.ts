import { addsRows } from '../../../functions/table-roles.ts';
import { defineFunction } from '../../../shared/app/define-function.ts';
import { writesOnce } from '../../../shared/app/storage-roles.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { lakeSettings } from '../../../shared/lake/lake-settings.ts';

export const trackSignup = defineFunction({
  name: 'trackSignup',
  trigger: messagePublished({ topic: 'user-events' }),
  maxDeliveryAttempts: 20,
  // requests that come together share a commit
  instance: { memory: '512Mi', cpu: 1, concurrency: 80, maxInstances: 2, timeoutSeconds: 60 },
  roles: [
    ...addsRows('adds rows to the table of sign-ups'),
    ...writesOnce('state', 'keeps a record of each failed attempt'),
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
  ],
  settings: lakeSettings,
  load: () => import('./handler.ts'),
});

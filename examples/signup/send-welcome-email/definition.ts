import { defineFunction } from '../../../shared/app/define-function.ts';
import { replaces, writesOnce } from '../../../shared/app/storage-roles.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { secrets, settings } from './settings.ts';

export const sendWelcomeEmail = defineFunction({
  name: 'sendWelcomeEmail',
  // not by type: plain JSON names its type in the data, which no filter sees
  trigger: messagePublished({ topic: 'user-events' }),
  // with the subscription's backoff, two hours and more
  maxDeliveryAttempts: 20,
  instance: { memory: '256Mi', cpu: 1, concurrency: 20, maxInstances: 5, timeoutSeconds: 60 },
  roles: [
    ...writesOnce('state', 'records that the mail is sent, and each failed attempt'),
    replaces(
      'state',
      [{ startsWith: 'effects/', endsWith: '/started.json' }],
      'renews the record of a mail under way',
    ),
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
  ],
  settings,
  secrets,
  refusals: {
    'app-mail-refused': 'correct the address or the sender, then replay the event',
  },
  load: () => import('./handler.ts'),
});

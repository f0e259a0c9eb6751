import { defineFunction } from '../../../shared/app/define-function.ts';
import { writesOnce } from '../../../shared/app/storage-roles.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { secrets, settings } from './settings.ts';

export const createContact = defineFunction({
  name: 'createContact',
  trigger: messagePublished({ topic: 'user-events' }),
  maxDeliveryAttempts: 20,
  instance: { memory: '256Mi', cpu: 1, concurrency: 20, maxInstances: 5, timeoutSeconds: 60 },
  roles: [
    ...writesOnce('state', 'keeps a record of each failed attempt'),
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
  ],
  settings,
  secrets,
  refusals: {
    'app-contact-refused':
      'find out from the CRM what it does not accept, then replay the event or discard it',
  },
  load: () => import('./handler.ts'),
});

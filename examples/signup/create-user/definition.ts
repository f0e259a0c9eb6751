import { defineFunction } from '../../../shared/app/define-function.ts';
import { replaces, writesOnce } from '../../../shared/app/storage-roles.ts';
import { http } from '../../../shared/app/trigger.ts';
import { settings } from './settings.ts';

export const createUser = defineFunction({
  name: 'createUser',
  trigger: http({ callers: 'all', body: 'bytes' }),
  instance: { memory: '256Mi', cpu: 1, concurrency: 40, maxInstances: 10, timeoutSeconds: 30 },
  roles: [
    ...writesOnce('users', 'records users, requests and events to publish'),
    replaces('users', [{ startsWith: 'outbox/', endsWith: '.json' }], 'deletes what is published'),
    { role: 'roles/pubsub.publisher', on: 'user-events', reason: 'publishes user.created' },
  ],
  settings,
  load: () => import('./handler.ts'),
});

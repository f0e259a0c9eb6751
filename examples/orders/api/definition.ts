import { defineFunction } from '../../../shared/app/define-function.ts';
import { http } from '../../../shared/app/trigger.ts';
import { DATABASE_SECRET } from '../database/connect.ts';
import { WORK_TOPIC } from '../relay/definition.ts';
import { settings } from './settings.ts';

/** Requests, and connections to the database, of an instance. */
export const CONCURRENCY = 20;

export const ordersApi = defineFunction({
  name: 'ordersApi',
  trigger: http({ callers: 'all', body: 'bytes' }),
  instance: { memory: '512Mi', cpu: 1, concurrency: CONCURRENCY, maxInstances: 5, timeoutSeconds: 30 },
  roles: [
    { role: 'roles/pubsub.publisher', on: WORK_TOPIC, reason: 'nudges relay and projector after a commit' },
  ],
  settings,
  secrets: [DATABASE_SECRET],
  load: () => import('./handler.ts'),
});

import { defineFunction } from '../../../shared/app/define-function.ts';
import { messagePublished } from '../../../shared/app/trigger.ts';
import { DATABASE_SECRET } from '../database/connect.ts';
import { WORK_TOPIC } from '../relay/definition.ts';

export const CONCURRENCY = 4;

export const projectOrders = defineFunction({
  name: 'projectOrders',
  // the relay takes the same ticks and nudges: a commit has to be both published and projected
  trigger: messagePublished({ topic: WORK_TOPIC }),
  instance: { memory: '256Mi', cpu: 1, concurrency: CONCURRENCY, maxInstances: 2, timeoutSeconds: 60 },
  roles: [
    { role: 'roles/storage.objectUser', on: 'state', reason: 'keeps a record of each failed attempt' },
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the ticks it refuses' },
  ],
  secrets: [DATABASE_SECRET],
  // it takes ticks, although no schedule of its own sends them
  subject: async () => (await import('../../../shared/app/tick-subject.ts')).subjectOfTick('projectOrders'),
  load: () => import('./handler.ts'),
});

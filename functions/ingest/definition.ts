import { defineFunction, type FunctionDefinition } from '../../shared/app/define-function.ts';
import { writesOnce } from '../../shared/app/storage-roles.ts';
import { messagePublished } from '../../shared/app/trigger.ts';
import { EVENTS_READER, OTHER_FORM } from '../events-reader.ts';
import { addsRows } from '../table-roles.ts';
import { settings } from './settings.ts';

/**
 * A function that takes every event of a topic into the table of events: for a topic of an app's own, beside
 * `ingestEvent`. Writers of one table may run at the same time.
 *
 * @example ingestTopic('ingestUserEvents', 'user-events')
 */
export const ingestTopic = (name: string, topic: string): FunctionDefinition =>
  defineFunction({ ...common, name, trigger: messagePublished({ topic }) });

const common = {
  maxDeliveryAttempts: 20,
  instance: {
    memory: '1Gi',
    cpu: 1,
    // One log takes about ten commits a second, however many writers there are: few instances, many requests per
    // commit. Instances that meet share commits.
    concurrency: 1_000,
    maxInstances: 4,
    timeoutSeconds: 60,
  },
  roles: [
    ...addsRows('adds files and commits to the table'),
    ...writesOnce('state', 'keeps a record of each failed attempt'),
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
  ],
  settings,
  refusals: {
    [OTHER_FORM]:
      'replay it to store it as plain JSON; or have its sender correct it and send it again, then discard this one',
  },
  load: () => import('./handler.ts'),
  subject: async () => (await import('./subject.ts')).subjectOf,
};

export const ingestEvent = ingestTopic(EVENTS_READER, 'events');

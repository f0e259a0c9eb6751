import { defineFunction } from '../../shared/app/define-function.ts';
import type { OptionalPart } from '../../shared/app/optional.ts';
import { replaces, writesOnce } from '../../shared/app/storage-roles.ts';
import { messagePublished, objectFinalized } from '../../shared/app/trigger.ts';
import { settings } from './settings.ts';

const common = {
  maxDeliveryAttempts: 10,
  instance: {
    memory: '1Gi',
    cpu: 1,
    // ffmpeg fills the instance: one video at a time. All functions together stay below the 20 CPUs that a new
    // project may have; with more quota, more instances.
    concurrency: 1,
    maxInstances: 10,
    timeoutSeconds: 540,
  },
  roles: [
    { role: 'roles/storage.objectViewer', on: 'raw', reason: 'reads the uploaded video by ranges' },
    ...writesOnce('frames', 'writes frames and the manifest, and reads back what an earlier attempt wrote'),
    ...writesOnce('state', 'keeps write-once records'),
    replaces(
      'state',
      [{ startsWith: 'videos/', endsWith: '/lease.json' }],
      'renews and deletes the lease of an upload',
    ),
    { role: 'roles/pubsub.publisher', on: 'events', reason: 'publishes the outcome of each upload' },
    { role: 'roles/pubsub.publisher', on: 'dead-letters', reason: 'publishes the events it refuses' },
    { role: 'roles/aiplatform.user', on: 'project', reason: 'calls Gemini, which has no narrower resource' },
  ],
  apis: { aiplatform: 'Gemini' },
  settings,
};

export const processVideo = defineFunction({
  ...common,
  name: 'processVideo',
  trigger: objectFinalized({ bucket: 'raw' }),
  load: () => import('./handler.ts'),
  settledIn: 'frames',
  subject: async () => (await import('./subject.ts')).subjectOf,
});

/** Asks about videos that are stored already. It runs beside `processVideo`, with the same settings. */
const answerQuestion = defineFunction({
  ...common,
  name: 'answerQuestion',
  trigger: messagePublished({ topic: 'questions' }),
  instance: { ...common.instance, maxInstances: 2 },
  load: () => import('./question-handler.ts'),
  subject: async () => (await import('./question-subject.ts')).subjectOf,
});

export const questions: OptionalPart = {
  doc: 'questions about stored videos are answered (pipeline ask)',
  topics: {
    questions: {
      env: 'QUESTIONS_TOPIC',
      doc: 'questions about stored videos, such as those of pipeline ask',
    },
  },
  functions: [answerQuestion],
};

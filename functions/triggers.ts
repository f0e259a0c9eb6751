/**
 * The only list of what is deployed. index.ts registers these functions, deploy.sh creates them and
 * local/eventarc.ts delivers to them.
 */
export type Resource =
  | 'project'
  | 'raw-bucket'
  | 'frames-bucket'
  | 'state-bucket'
  | 'lake-bucket'
  | 'events-topic'
  | 'dead-letter-topic'
  | 'function';

export interface Role {
  role: string;
  /** What it is granted on: never the project where a bucket or a topic will do. */
  on: Resource;
  reason: string;
}

/** What fires a function: a bucket or a topic, by the variable that names it. */
export type TriggerSource =
  | { bucket: 'RAW_BUCKET' }
  | { topic: 'EVENTS_TOPIC' | 'MAINTENANCE_TOPIC' | 'DEAD_LETTER_TOPIC' };

export interface Trigger {
  eventType: string;
  source: TriggerSource;
  /** Redeliver on failure: without it an event that fails once is lost. */
  retry: true;
  /** Deliveries before it is given up, 5 to 100. */
  maxDeliveryAttempts: number;
  /** Where it is given up to: the inspector's own must not come back to it. */
  givesUpTo: 'dead-letters' | 'dead-letters-unread';
  memory: string;
  cpu: number;
  /** Requests at a time in one instance. */
  concurrency: number;
  maxInstances: number;
  /** Event functions run at most 540 s. */
  timeoutSeconds: number;
  roles: readonly Role[];
}

export const triggers = {
  processVideo: {
    eventType: 'google.cloud.storage.object.v1.finalized',
    source: { bucket: 'RAW_BUCKET' },
    retry: true,
    maxDeliveryAttempts: 10,
    givesUpTo: 'dead-letters',
    memory: '1Gi',
    cpu: 1,
    // ffmpeg fills the instance: one video at a time. All functions together stay below the 20 CPUs that a new
    // project may have; with more quota, more instances.
    concurrency: 1,
    maxInstances: 10,
    timeoutSeconds: 540,
    roles: [
      { role: 'roles/storage.objectViewer', on: 'raw-bucket', reason: 'reads the uploaded video by ranges' },
      {
        role: 'roles/storage.objectUser',
        on: 'frames-bucket',
        reason: 'writes frames and the manifest, and reads back what an earlier attempt wrote',
      },
      {
        role: 'roles/storage.objectUser',
        on: 'state-bucket',
        reason: 'keeps write-once records and the lease, which it renews and deletes',
      },
      { role: 'roles/pubsub.publisher', on: 'events-topic', reason: 'publishes what became of each upload' },
      { role: 'roles/pubsub.publisher', on: 'dead-letter-topic', reason: 'publishes what it refuses' },
      { role: 'roles/aiplatform.user', on: 'project', reason: 'asks Gemini; has no narrower resource' },
      { role: 'roles/eventarc.eventReceiver', on: 'project', reason: 'its trigger receives the events' },
      { role: 'roles/run.invoker', on: 'function', reason: 'its trigger calls the function' },
    ],
  },
  ingestEvent: {
    eventType: 'google.cloud.pubsub.topic.v1.messagePublished',
    source: { topic: 'EVENTS_TOPIC' },
    retry: true,
    maxDeliveryAttempts: 20,
    givesUpTo: 'dead-letters',
    memory: '1Gi',
    cpu: 1,
    // One log takes about ten commits a second whoever writes: few instances, and many requests to a commit.
    concurrency: 1_000,
    maxInstances: 4,
    timeoutSeconds: 60,
    roles: [
      {
        role: 'roles/storage.objectUser',
        on: 'lake-bucket',
        reason: 'adds files and commits to the table, and moves the hint at its newest checkpoint',
      },
      {
        role: 'roles/storage.objectUser',
        on: 'state-bucket',
        reason: 'keeps a record of each failed attempt',
      },
      { role: 'roles/pubsub.publisher', on: 'dead-letter-topic', reason: 'publishes what it refuses' },
      { role: 'roles/eventarc.eventReceiver', on: 'project', reason: 'its trigger receives the events' },
      { role: 'roles/run.invoker', on: 'function', reason: 'its trigger calls the function' },
    ],
  },
  maintainTable: {
    eventType: 'google.cloud.pubsub.topic.v1.messagePublished',
    source: { topic: 'MAINTENANCE_TOPIC' },
    retry: true,
    // The schedule comes again: what fails five times waits for it.
    maxDeliveryAttempts: 5,
    givesUpTo: 'dead-letters',
    memory: '2Gi',
    cpu: 1,
    concurrency: 1,
    maxInstances: 1,
    timeoutSeconds: 540,
    roles: [
      {
        role: 'roles/storage.objectUser',
        on: 'lake-bucket',
        reason: 'rewrites small files into large ones, and deletes what no version needs any more',
      },
      { role: 'roles/storage.objectUser', on: 'state-bucket', reason: 'keeps the lease and failed attempts' },
      { role: 'roles/pubsub.publisher', on: 'dead-letter-topic', reason: 'publishes what it refuses' },
      { role: 'roles/eventarc.eventReceiver', on: 'project', reason: 'its trigger receives the events' },
      { role: 'roles/run.invoker', on: 'function', reason: 'its trigger calls the function' },
    ],
  },
  inspectDeadLetter: {
    eventType: 'google.cloud.pubsub.topic.v1.messagePublished',
    source: { topic: 'DEAD_LETTER_TOPIC' },
    retry: true,
    // About four hours: longer than most outages, and than poison may keep killing instances.
    maxDeliveryAttempts: 30,
    givesUpTo: 'dead-letters-unread',
    memory: '2Gi',
    cpu: 1,
    // Mostly waiting for storage. A letter of the largest size takes some 80 MB: admission counts their bytes.
    concurrency: 80,
    maxInstances: 4,
    timeoutSeconds: 120,
    roles: [
      {
        role: 'roles/storage.objectViewer',
        on: 'raw-bucket',
        reason: 'looks whether the upload is still there',
      },
      {
        role: 'roles/storage.objectViewer',
        on: 'frames-bucket',
        reason: 'looks whether the upload has got its manifest since',
      },
      {
        role: 'roles/storage.objectUser',
        on: 'state-bucket',
        reason: 'keeps the dead letters, and reads what is known of their failed attempts',
      },
      {
        role: 'roles/storage.objectUser',
        on: 'lake-bucket',
        reason: 'adds to the table of dead letters, and looks events up in theirs',
      },
      {
        role: 'roles/eventarc.eventReceiver',
        on: 'project',
        reason: 'its trigger receives the dead letters',
      },
      { role: 'roles/run.invoker', on: 'function', reason: 'its trigger calls the function' },
    ],
  },
} as const satisfies Record<string, Trigger>;

export type FunctionName = keyof typeof triggers;

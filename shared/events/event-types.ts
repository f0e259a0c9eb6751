/** Google's own CloudEvents types: https://cloud.google.com/eventarc/docs/reference/supported-events */
export const MESSAGE_PUBLISHED = 'google.cloud.pubsub.topic.v1.messagePublished';
export const AUDIT_LOG_WRITTEN = 'google.cloud.audit.log.v1.written';
export const OBJECT_FINALIZED = 'google.cloud.storage.object.v1.finalized';
export const OBJECT_DELETED = 'google.cloud.storage.object.v1.deleted';
/** Other changes of an object: nothing was uploaded. */
export const OBJECT_CHANGES = [
  OBJECT_DELETED,
  'google.cloud.storage.object.v1.archived',
  'google.cloud.storage.object.v1.metadataUpdated',
] as const;

/** CloudEvents types of Google's own: https://cloud.google.com/eventarc/docs/reference/supported-events */
export const MESSAGE_PUBLISHED = 'google.cloud.pubsub.topic.v1.messagePublished';
export const OBJECT_FINALIZED = 'google.cloud.storage.object.v1.finalized';

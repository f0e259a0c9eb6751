/**
 * What Pub/Sub accepts, in bytes of UTF-8 and counts.
 * https://cloud.google.com/pubsub/quotas#resource_limits
 */
export const PUBSUB_LIMITS = {
  /** Messages per publish request. */
  messages: 1_000,
  /** Data of one message, in bytes. */
  data: 10 * 1024 * 1024,
  attributes: 100,
  attributeKey: 256,
  attributeValue: 1_024,
  orderingKey: 1_024,
} as const;

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

/** True if an attribute may have this value. */
export function fitsAttribute(value: string): boolean {
  // a code unit takes at most three bytes
  return (
    value.length * 3 <= PUBSUB_LIMITS.attributeValue ||
    Buffer.byteLength(value) <= PUBSUB_LIMITS.attributeValue
  );
}

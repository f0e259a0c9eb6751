import { REPLAY_KEY, REPLAY_LETTER } from './replay-mark.ts';

/** Attributes that tell how a message died: the first five and the form are ours, the others Pub/Sub's. */
export const DIED_OF = {
  code: 'deadLetterCode',
  reason: 'deadLetterReason',
  function: 'deadLetterFunction',
  eventId: 'deadLetterEventId',
  time: 'deadLetterTime',
  messageId: 'deadLetterMessageId',
  publishTime: 'deadLetterPublishTime',
  orderingKey: 'deadLetterOrderingKey',
  form: 'deadLetterForm',
  subscription: 'CloudPubSubDeadLetterSourceSubscription',
  deliveries: 'CloudPubSubDeadLetterSourceDeliveryCount',
  sourcePublishTime: 'CloudPubSubDeadLetterSourceTopicPublishTime',
} as const;

const OURS: ReadonlySet<string> = new Set([...Object.values(DIED_OF), REPLAY_LETTER, REPLAY_KEY]);

/** Names that a dying message got, or that Pub/Sub keeps for itself: none of them is the producer's. */
export function isOurs(name: string): boolean {
  return OURS.has(name) || isForwarding(name) || name.toLowerCase().startsWith('goog');
}

/** Names that tell of a death or a replay. */
export function isMark(name: string): boolean {
  return OURS.has(name) || isForwarding(name);
}

/** Names that Pub/Sub adds to a message that it gives up. */
export function isForwarding(name: string): boolean {
  return name.startsWith('CloudPubSubDeadLetterSource');
}

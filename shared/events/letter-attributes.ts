import { REPLAY_KEY, REPLAY_LETTER } from './replay-mark.ts';

/** Attributes that describe a message's death: those that begin with `deadLetter` are ours, the others Pub/Sub's. */
export const DIED_OF = {
  code: 'deadLetterCode',
  reason: 'deadLetterReason',
  function: 'deadLetterFunction',
  eventId: 'deadLetterEventId',
  time: 'deadLetterTime',
  messageId: 'deadLetterMessageId',
  publishTime: 'deadLetterPublishTime',
  orderingKey: 'deadLetterOrderingKey',
  traceparent: 'deadLetterTraceparent',
  form: 'deadLetterForm',
  subscription: 'CloudPubSubDeadLetterSourceSubscription',
  deliveries: 'CloudPubSubDeadLetterSourceDeliveryCount',
  sourcePublishTime: 'CloudPubSubDeadLetterSourceTopicPublishTime',
} as const;

/** The trace of a producer whose client library adds it. Nobody can publish an attribute with such a name. */
export const CLIENT_TRACE = 'googclient_traceparent';

const OURS: ReadonlySet<string> = new Set([...Object.values(DIED_OF), REPLAY_LETTER, REPLAY_KEY]);

/** True for names that dying added or that Pub/Sub reserves: the producer cannot have set them. */
export function isOurs(name: string): boolean {
  return OURS.has(name) || isForwarding(name) || name.toLowerCase().startsWith('goog');
}

/** True for names that mark a death or a replay. */
export function isMark(name: string): boolean {
  return OURS.has(name) || isForwarding(name);
}

/** True for names that Pub/Sub adds when it forwards a message to the dead-letter topic. */
export function isForwarding(name: string): boolean {
  return name.startsWith('CloudPubSubDeadLetterSource');
}

import type { DeathRecord } from '../../shared/dead-letters/records.ts';
import { messageEvent, pubsubMessage } from './messages.ts';

/** Attributes that Pub/Sub adds to a message that it gives up. */
export function forwarding(
  subscription: string,
  fields: Record<string, string> = {},
): Record<string, string> {
  return {
    CloudPubSubDeadLetterSourceSubscription: subscription,
    CloudPubSubDeadLetterSourceSubscriptionProject: 'demo',
    CloudPubSubDeadLetterSourceDeliveryCount: '5',
    CloudPubSubDeadLetterSourceTopicPublishTime: '2026-11-21T10:00:00.123Z',
    ...fields,
  };
}

/** A message that Pub/Sub gave up, as delivered to the inspector. */
export function givenUp(
  {
    data,
    attributes = {},
    ...rest
  }: { data?: unknown; attributes?: Record<string, string>; [field: string]: unknown },
  subscription = 'eventarc-ingestEvent',
  fields: Record<string, string> = {},
): Record<string, unknown> {
  const all = { ...attributes, ...forwarding(subscription, fields) };
  return messageEvent(pubsubMessage({ ...(data !== undefined && { data }), attributes: all, ...rest }));
}

/** The same for an existing message. */
export function givenUpMessage(
  message: Record<string, unknown>,
  subscription?: string,
): Record<string, unknown> {
  const { data, ...rest } = message;
  const bytes = typeof data === 'string' ? Buffer.from(data, 'base64') : undefined;
  return givenUp({ ...rest, ...(bytes && { data: bytes }) }, subscription);
}

export function deathRecord(fields: Partial<DeathRecord> = {}): DeathRecord {
  return {
    schemaVersion: 1,
    kind: 'death',
    letter: '0123456789abcdef0123456789abcdef',
    key: '0123456789abcdef',
    function: 'ingestEvent',
    way: 'given-up',
    code: 'denied',
    message: 'put gs://lake/x: 403',
    group: '0123456789ab',
    pattern: 'put <url>: <n>',
    eventId: 'e'.repeat(64),
    correlationId: 'corr-1',
    subscription: 'eventarc-ingestEvent',
    deliveries: 5,
    attempts: [],
    attemptCount: 0,
    firstFailureAt: undefined,
    lastFailureAt: undefined,
    concern: undefined,
    concernState: 'exists',
    replay: undefined,
    diedAt: '2026-11-21T10:00:00.000Z',
    inspectedAt: '2026-11-21T10:00:01.000Z',
    letterMessage: {
      messageId: '7',
      publishTime: '2026-11-21T10:00:00.000Z',
      orderingKey: undefined,
      attributes: forwarding('eventarc-ingestEvent'),
      data: Buffer.from('{"a":1}').toString('base64'),
      bytes: 7,
      form: 'message',
    },
    ...fields,
  };
}

import type { OutgoingMessage } from '../gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../gcp/pubsub-limits.ts';
import type { CloudEvent } from './cloud-event.ts';

/** The part of an event that is passed on. */
export type Forwarded = Pick<CloudEvent, 'id' | 'source' | 'type' | 'data'> &
  Partial<Pick<CloudEvent, 'subject' | 'time' | 'dataschema' | 'correlationId' | 'traceparent'>>;

/**
 * Another producer's event as a CloudEvent in structured mode, with its own id and source: however often and through
 * whichever function it is published, it is one event.
 */
export function forwardedMessage(event: Forwarded): OutgoingMessage {
  const { id, source, type, subject, time, dataschema, correlationId, traceparent, data } = event;
  const attributes = {
    ...{ specversion: '1.0', id, source, type, subject, time, dataschema },
    ...{ correlationid: correlationId, traceparent, datacontenttype: 'application/json' },
  };
  const repeated = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined || Buffer.byteLength(value) > PUBSUB_LIMITS.attributeValue
      ? []
      : [[`ce-${name}`, value] as const],
  );
  return {
    data: Buffer.from(JSON.stringify({ ...attributes, data })),
    attributes: { 'content-type': 'application/cloudevents+json', ...Object.fromEntries(repeated) },
  };
}

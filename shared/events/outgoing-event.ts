import type { OutgoingMessage } from '../gcp/pubsub.ts';
import { fitsAttribute } from '../gcp/pubsub-limits.ts';

/** Attributes of an outgoing CloudEvent. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
export interface OutgoingAttributes {
  id: string;
  source: string;
  type: string;
  subject: string | undefined;
  /** RFC 3339. */
  time: string;
  dataschema: string | undefined;
  correlationid: string;
  causationid: string;
  traceparent: string | undefined;
  hops: number;
  hopchain: string;
}

/** Required attributes, and any others. */
export type MessageAttributes = Pick<OutgoingAttributes, 'id' | 'source' | 'type'> &
  Readonly<Record<string, string | number | undefined>>;

/**
 * A CloudEvent in structured mode. Its attributes are repeated as `ce-*` attributes of the message, as far as they
 * fit, for subscriptions to filter on. `data` is JSON text, or undefined.
 */
export function structuredMessage(
  { id, source, type, ...optional }: MessageAttributes,
  data: string | undefined,
  orderingKey?: string,
): OutgoingMessage {
  const attributes = {
    specversion: '1.0',
    id,
    source,
    type,
    ...optional,
    ...(data !== undefined && { datacontenttype: 'application/json' }),
  };
  const repeated: Record<string, string> = { 'content-type': 'application/cloudevents+json' };
  for (const [name, value] of Object.entries(attributes)) {
    const text = value === undefined ? undefined : String(value);
    if (text !== undefined && fitsAttribute(text)) repeated[`ce-${name}`] = text;
  }
  const head = JSON.stringify(attributes);
  return {
    data: Buffer.from(data === undefined ? head : `${head.slice(0, -1)},"data":${data}}`),
    attributes: repeated,
    ...(orderingKey !== undefined && { orderingKey }),
  };
}

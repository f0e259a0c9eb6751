import { AppError } from '../../shared/core/errors.ts';
import type { JsonEvent } from '../../shared/events/cloud-event.ts';
import { structuredMessage } from '../../shared/events/outgoing-event.ts';
import { RECEIVED_FROM } from '../../shared/events/received-from.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { fitsAttribute } from '../../shared/gcp/pubsub-limits.ts';
import type { Source } from './sources.ts';

/** One event of a request. A `refused` one becomes a dead letter: `contentType` is what its JSON was meant as. */
export type Member =
  | { kind: 'event'; message: OutgoingMessage }
  | { kind: 'refused'; error: AppError; text: string; contentType: string };

/** Bytes of a message with its attributes; Pub/Sub accepts no more. */
const MAX_MESSAGE = 10_000_000;

/** An event as a CloudEvent in structured mode. `data` is its JSON, byte for byte. */
export function messageOf(source: Source, event: JsonEvent, data: string): OutgoingMessage {
  const {
    id,
    source: from,
    type,
    subject,
    time,
    dataschema,
    correlationId,
    causationId,
    traceparent,
  } = event;
  const links = { correlationid: correlationId, causationid: causationId, traceparent };
  return marked(
    source,
    structuredMessage({ id, source: from, type, subject, time, dataschema, ...links }, data),
  );
}

/** Marks a message with its source. Throws `too-large` if Pub/Sub would refuse it. */
export function marked({ id }: Source, { data, attributes = {} }: OutgoingMessage): OutgoingMessage {
  const fitting: Record<string, string> = {};
  let bytes = Buffer.byteLength(data);
  for (const [name, value] of Object.entries({ ...attributes, [RECEIVED_FROM]: id })) {
    if (!fitsAttribute(value)) continue;
    fitting[name] = value;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (bytes <= MAX_MESSAGE) return { data, attributes: fitting };
  throw new AppError(
    'too-large',
    `event must have at most ${MAX_MESSAGE} bytes with its attributes, got ${bytes}`,
  );
}

import { parseRfc3339 } from '../core/rfc3339.ts';
import { eventIdOf, invalid } from './cloud-event.ts';

/** One event of a message, in the form that the table and the schemas want, whatever form it came in. */
export interface IncomingEvent {
  /** 64 hex digits: the same event has the same one, however often and by whomever it is published. */
  eventId: string;
  /** Undefined where the event is plain JSON. */
  ceId: string | undefined;
  type: string;
  source: string;
  subject: string | undefined;
  /** Microseconds since the epoch. */
  time: bigint | undefined;
  dataschema: string | undefined;
  correlationId: string | undefined;
  causationId: string | undefined;
  /** The producer's JSON, byte for byte; undefined for an event without data. */
  data: string | undefined;
}

/** Attributes of a CloudEvent as they were found: text, or whatever stood there. */
export type AttributeReader = (name: string) => unknown;

/** Characters. */
const MAX_ATTRIBUTE = 8_192;

/** Throws `invalid-event` naming the attribute that is missing or wrong. */
export function cloudEventOf(attribute: AttributeReader, data: string | undefined): IncomingEvent {
  const specversion = attribute('specversion');
  if (specversion !== '1.0') {
    throw invalid('specversion', '"1.0"', specversion);
  }
  const id = required('id', attribute('id'));
  const source = required('source', attribute('source'));
  return {
    eventId: eventIdOf({ id, source }),
    ceId: id,
    source,
    ...commonOf(required('type', attribute('type')), attribute),
    data,
  };
}

/** An event that is nothing but JSON: its content is its identity. `eventId` is the hash of its RFC 8785 text. */
export function plainEventOf(
  eventId: string,
  { type, source }: { type: string; source: string },
  attribute: AttributeReader,
  data: string,
): IncomingEvent {
  return {
    eventId,
    ceId: undefined,
    source: required('source', source),
    ...commonOf(required('type', type), attribute),
    data,
  };
}

function commonOf(
  type: string,
  attribute: AttributeReader,
): Pick<IncomingEvent, 'type' | 'subject' | 'time' | 'dataschema' | 'correlationId' | 'causationId'> {
  return {
    type,
    subject: optional('subject', attribute('subject')),
    time: timeOf(attribute('time')),
    dataschema: optional('dataschema', attribute('dataschema')),
    correlationId: optional('correlationid', attribute('correlationid')),
    causationId: optional('causationid', attribute('causationid')),
  };
}

function required(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_ATTRIBUTE && isText(value))
    return value;
  throw invalid(name, `Unicode of 1 to ${MAX_ATTRIBUTE} characters without control characters`, value);
}

function optional(name: string, value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : required(name, value);
}

function timeOf(value: unknown): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  const time = typeof value === 'string' ? parseRfc3339(value) : undefined;
  if (time !== undefined) return time;
  throw invalid('time', 'an RFC 3339 timestamp', value);
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system */
function isText(value: string): boolean {
  return value.isWellFormed() && !/\p{Cc}/u.test(value);
}

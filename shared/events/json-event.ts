import { parseRfc3339 } from '../core/rfc3339.ts';
import { eventIdOf, invalid, type JsonEvent } from './cloud-event.ts';
import { type LinkSources, linksOf } from './links.ts';

/** Reads an attribute of a CloudEvent as found: text or anything else. */
export type AttributeReader = (name: string) => unknown;

/** In characters. */
const MAX_ATTRIBUTE = 8_192;

/** Throws `invalid-event` naming the attribute that is missing or wrong. */
export function cloudEventOf(
  attribute: AttributeReader,
  links: LinkSources,
  data: string | undefined,
): JsonEvent {
  const specversion = attribute('specversion');
  if (specversion !== '1.0') {
    throw invalid('specversion', '"1.0"', specversion);
  }
  const id = required('id', attribute('id'));
  const source = required('source', attribute('source'));
  // extensions of the event itself, unlike attributes beside it
  optional('correlationid', attribute('correlationid'));
  optional('causationid', attribute('causationid'));
  const type = required('type', attribute('type'));
  return eventOf({ eventId: eventIdOf({ id, source }), id, source, type }, attribute, links, data);
}

/** An event that is plain JSON: its content is its identity. `eventId` is the hash of its RFC 8785 text. */
export function plainEventOf(
  { eventId, type, source }: Pick<JsonEvent, 'eventId' | 'type' | 'source'>,
  attribute: AttributeReader,
  links: LinkSources,
  data: string,
): JsonEvent {
  const names = { eventId, id: eventId, source: required('source', source), type: required('type', type) };
  return eventOf(names, attribute, links, data);
}

function eventOf(
  { eventId, id, source, type }: Pick<JsonEvent, 'eventId' | 'id' | 'source' | 'type'>,
  attribute: AttributeReader,
  links: LinkSources,
  data: string | undefined,
): JsonEvent {
  const { correlationId, causationId, hops, traceparent } = linksOf(eventId, links);
  return {
    eventId,
    id,
    source,
    type,
    subject: optional('subject', attribute('subject')),
    time: timeOf(attribute('time')),
    dataschema: optional('dataschema', attribute('dataschema')),
    correlationId,
    causationId,
    hops,
    traceparent,
    data,
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

function timeOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && parseRfc3339(value) !== undefined) return value;
  throw invalid('time', 'an RFC 3339 timestamp', value);
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system */
function isText(value: string): boolean {
  return value.isWellFormed() && !/\p{Cc}/u.test(value);
}

import { isAttributeText } from '../core/attribute-text.ts';
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
  const eventId = eventIdOf({ id, source });
  const { correlationId, causationId, hops, traceparent } = linksOf(eventId, links);
  return {
    eventId,
    id,
    source,
    type: required('type', attribute('type')),
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

/** The text of an attribute; undefined for a value that no attribute may have. */
export function attributeText(value: unknown): string | undefined {
  return isAttribute(value) ? value : undefined;
}

function required(name: string, value: unknown): string {
  if (isAttribute(value)) return value;
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

function isAttribute(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_ATTRIBUTE) return false;
  return isAttributeText(value);
}

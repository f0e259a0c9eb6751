import { parseJson, type ScannedRow, stringifyJson } from '../../shared/delta/index.ts';
import { LENIENT } from '../../shared/events/incoming-message.ts';
import { readEvents } from '../../shared/events/read-events.ts';
import { traceparentFrom } from '../../shared/events/traceparent.ts';
import type { OutgoingMessage } from '../../shared/gcp/pubsub.ts';
import { PUBSUB_LIMITS } from '../../shared/gcp/pubsub-limits.ts';
import { formatMicros } from '../common/time.ts';

/** Columns needed for a message and its position in the order. */
export const MESSAGE_COLUMNS = [
  'event_id',
  'ce_id',
  'type',
  'source',
  'subject',
  'time',
  'dataschema',
  'correlation_id',
  'causation_id',
  'ordering_key',
  'message_id',
  'publish_time',
  'ingest_time',
  'data',
  'trace_id',
] as const;

const NOT_DELIVERED = {
  messageId: undefined,
  publishTime: undefined,
  orderingKey: undefined,
  topic: undefined,
};

type Attributes = Readonly<Record<string, string>>;

/**
 * Converts a stored event to a message that gets the same id on ingest: a CloudEvent in binary mode, whose data is
 * the stored bytes, or the stored bytes alone if they were published in another form. An event that names no cause becomes its own cause; `replayId` marks
 * all messages of a replay. A CloudEvent is sent in structured mode if an attribute is too long for a message, or if its
 * data looks like a CloudEvent, too.
 */
export function replayMessage(row: ScannedRow, replayId: string): OutgoingMessage {
  const data = typeof row['data'] === 'string' ? row['data'] : '';
  const isCloudEvent = typeof row['ce_id'] === 'string' && !isWholeBody(data, row['event_id']);
  const event = attributesOf({
    ...(isCloudEvent && { specversion: '1.0', id: row['ce_id'] }),
    source: row['source'],
    type: row['type'],
    subject: row['subject'],
    time: typeof row['time'] === 'bigint' ? formatMicros(row['time']) : undefined,
    dataschema: row['dataschema'],
    correlationid: row['correlation_id'],
    causationid: row['causation_id'] ?? row['event_id'],
    traceparent: traceparentFrom(row['trace_id'], String(row['event_id'])),
  });
  const orderingKey = row['ordering_key'];
  const rest = typeof orderingKey === 'string' && orderingKey !== '' ? { orderingKey } : {};
  const isTooLong = Object.values(event).some(
    (value) => Buffer.byteLength(value) > PUBSUB_LIMITS.attributeValue,
  );
  // an envelope inside the envelope could be mistaken for the event's own
  const isNested = data.includes('specversion');
  if (isCloudEvent && (isTooLong || isNested)) {
    const attributes = { 'content-type': 'application/cloudevents+json', replayId };
    return { data: structured(event, data), attributes, ...rest };
  }
  const prefix = isCloudEvent ? 'ce-' : '';
  const attributes: Record<string, string> = { 'content-type': 'application/json', replayId };
  for (const [name, value] of Object.entries(event)) attributes[`${prefix}${name}`] = value;
  return { data, attributes, ...rest };
}

/** True if the data by itself is the event, in a form that has its own id and source. */
function isWholeBody(data: string, eventId: unknown): boolean {
  const message = { data: Buffer.from(data), attributes: {}, ...NOT_DELIVERED };
  try {
    const [outcome, ...others] = readEvents(message, LENIENT).outcomes;
    if (outcome?.kind !== 'event' || others.length > 0) return false;
    return !outcome.isCloudEvent && outcome.event.eventId === eventId;
  } catch {
    return false;
  }
}

function attributesOf(given: Readonly<Record<string, unknown>>): Attributes {
  const texts = Object.entries(given).filter((one): one is [string, string] => typeof one[1] === 'string');
  return Object.fromEntries(texts);
}

/** Embeds the data as stored: parsing and serializing them would change numbers. */
function structured(event: Attributes, data: string): string {
  const head = JSON.stringify({ ...event, datacontenttype: 'application/json' });
  return data === '' ? head : `${head.slice(0, -1)},"data":${data}}`;
}

/**
 * Key that sorts messages by first arrival: by publish time, or by ingest time without one, then by message id, which
 * Pub/Sub increments, then by event id. Keys compare as strings.
 */
export function orderKey(row: ScannedRow): string {
  const at = row['publish_time'] ?? row['ingest_time'] ?? row['time'];
  const time = typeof at === 'bigint' ? fixedTime(at) : '0000-01-01T00:00:00.000000Z';
  const message = String(row['message_id'] ?? '').replace(/[^\w-]/g, '_');
  const serial = /^\d{1,20}$/.test(message) ? message.padStart(20, '0') : message.slice(0, 64);
  return `${time}/${serial}/${String(row['event_id'] ?? '')}`;
}

/** Time with microseconds: all texts have the same length, so that they compare as strings. */
function fixedTime(micros: bigint): string {
  const text = formatMicros(micros);
  return text.length === 24 ? `${text.slice(0, -1)}000Z` : text;
}

/** Converts a message to a line of a file, and back. */
export function messageLine(message: OutgoingMessage): string {
  return stringifyJson({ ...message, data: String(message.data) });
}

export function parseMessageLine(line: string): OutgoingMessage {
  return parseJson(line) as unknown as OutgoingMessage;
}

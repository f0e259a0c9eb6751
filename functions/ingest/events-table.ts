import { parseRfc3339 } from '../../shared/core/rfc3339.ts';
import type { Column, RowOf } from '../../shared/delta/index.ts';
import { type JsonEvent, ownIdOf } from '../../shared/events/cloud-event.ts';
import type { PubsubMessage } from '../../shared/events/pubsub-message.ts';
import { traceIdOf } from '../../shared/events/traceparent.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import type { TableDefinition } from '../../shared/lake/named-table.ts';

export const ID_COLUMN = EVENT_ID;

/**
 * The table's columns. Nullable ones may be appended at any time: the next instance to start adds them to the
 * table, and older rows read as null.
 */
export const COLUMNS = [
  {
    name: ID_COLUMN,
    type: 'string',
    nullable: false,
    comment: 'sha256 of source and id, or of plain content',
  },
  { name: 'ce_id', type: 'string', comment: 'id of the CloudEvent; null for plain JSON' },
  { name: 'type', type: 'string' },
  { name: 'source', type: 'string' },
  { name: 'subject', type: 'string' },
  { name: 'time', type: 'timestamp', comment: 'when it happened, by the producer' },
  { name: 'dataschema', type: 'string' },
  { name: 'correlation_id', type: 'string' },
  { name: 'causation_id', type: 'string' },
  { name: 'ordering_key', type: 'string' },
  { name: 'message_id', type: 'string', comment: 'of the Pub/Sub message that brought it first' },
  { name: 'publish_time', type: 'timestamp' },
  { name: 'ingest_time', type: 'timestamp' },
  { name: 'data', type: 'string', comment: 'JSON, byte for byte as it was published' },
  { name: 'trace_id', type: 'string', comment: 'W3C trace id, 32 hex digits' },
] as const satisfies readonly Column[];

export type EventRow = RowOf<typeof COLUMNS>;

export const EVENTS_TABLE: TableDefinition = {
  name: 'events',
  description: 'Every event once, as ingestEvent received it',
  columns: COLUMNS,
  idColumn: ID_COLUMN,
};

/** `ingestedAt` in ms since the epoch. */
export function rowOf(event: JsonEvent, message: PubsubMessage, ingestedAt: number): EventRow {
  return {
    event_id: event.eventId,
    ce_id: ownIdOf(event),
    type: event.type,
    source: event.source,
    subject: event.subject,
    time: microsOf(event.time),
    dataschema: event.dataschema,
    correlation_id: event.correlationId,
    causation_id: event.causationId,
    ordering_key: message.orderingKey,
    message_id: message.messageId,
    publish_time: microsOf(message.publishTime),
    ingest_time: new Date(ingestedAt),
    data: event.body ?? event.data,
    trace_id: traceIdOf(event),
  };
}

function microsOf(time: string | undefined): bigint | undefined {
  return time === undefined ? undefined : parseRfc3339(time);
}

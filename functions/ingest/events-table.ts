import { type Column, DeltaError, DeltaTable, type Row } from '../../shared/delta/index.ts';
import { AppError } from '../../shared/runtime/errors.ts';
import type { PubsubMessage } from '../../shared/runtime/pubsub-message.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import type { IncomingEvent } from './incoming-event.ts';
import { parseRfc3339 } from './rfc3339.ts';

export const ID_COLUMN = 'event_id';

/**
 * The table's columns. A nullable one may be added at the end at any time: the next instance to start adds it
 * to the table, and rows written before read it as null.
 */
export const COLUMNS: readonly Column[] = [
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
];

export function rowOf(event: IncomingEvent, message: PubsubMessage, ingestedAt: number): Row {
  return {
    event_id: event.eventId,
    ce_id: event.ceId,
    type: event.type,
    source: event.source,
    subject: event.subject,
    time: event.time,
    dataschema: event.dataschema,
    correlation_id: event.correlationId,
    causation_id: event.causationId,
    ordering_key: message.orderingKey,
    message_id: message.messageId,
    publish_time: message.publishTime === undefined ? undefined : parseRfc3339(message.publishTime),
    ingest_time: new Date(ingestedAt),
    data: event.data,
  };
}

/** The table, made where there is none and given the columns that it lacks. Any number of callers at a time. */
export async function openEventsTable(
  store: ObjectStore,
  path: string,
  columns: readonly Column[] = COLUMNS,
): Promise<DeltaTable> {
  const description = 'Every event once, as ingestEvent received it';
  const table = await DeltaTable.openOrCreate(store, path, { columns, name: 'events', description });
  for (let races = 0; ; races++) {
    const { fields } = await table.snapshot();
    const missing = columns.filter(({ name }) => !fields.some((field) => field.name === name));
    if (missing.length === 0) return table;
    try {
      await table.addColumns(missing);
    } catch (error) {
      // another instance may have added them at the same time: look again
      if (races >= 3 || !(error instanceof DeltaError && error.code === 'schema-mismatch')) throw error;
    }
  }
}

/** What the table's library throws, in our codes: all of it is worth another delivery. */
export function toIngestError(error: unknown): unknown {
  if (!(error instanceof DeltaError)) return error;
  return new AppError(error.retryable ? 'unavailable' : 'internal', `${error.code}: ${error.message}`, {
    cause: error,
  });
}

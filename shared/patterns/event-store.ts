import type { Sql } from './sql.ts';

/** An event that a decision made, not stored yet. `data` is JSON. */
export interface NewEvent {
  type: string;
  data: unknown;
}

export interface StoredEvent extends NewEvent {
  stream: string;
  /** Counted from 1 in its stream, without gaps. */
  version: number;
  /** RFC 3339: when it was stored. */
  time: string;
}

export type Appended =
  | { kind: 'written'; version: number; events: StoredEvent[] }
  /** The stream is not at the expected version; nothing was written, and the transaction goes on. */
  | { kind: 'conflict'; version: number };

/** Version of a stream without events. */
export const NO_EVENTS = 0;

/**
 * The version of a stream moves in one row, which every writer of the stream has to lock: a second one waits for the
 * first to commit, and then finds another version. unique(stream, version) of the events would refuse it anyway, but
 * with an error that ends the transaction.
 */
const APPEND = `
with moved as (
  insert into streams (stream, version)
  select $1, $2::integer + cardinality($3::text[])
  where $2 = 0 or exists (select from streams where stream = $1)
  on conflict (stream) do update set version = excluded.version where streams.version = $2
  returning version
)
insert into events (stream, version, type, data)
select $1, $2 + one.ordinal, one.type, one.data
from moved, unnest($3::text[], $4::jsonb[]) with ordinality as one (type, data, ordinal)
order by one.ordinal
returning version, type, data, time`;

/**
 * Appends events to a stream if it is at the expected version. Has to run in the transaction that also writes the
 * outbox. At least one event.
 *
 * @example
 * const appended = await append(sql, 'ord-1', 3, [{ type: 'order.cancelled', data: { reason } }]);
 */
export async function append(
  sql: Sql,
  stream: string,
  expectedVersion: number,
  events: readonly NewEvent[],
): Promise<Appended> {
  if (events.length === 0) throw new TypeError('events must be at least one, got none');
  const types = events.map(({ type }) => type);
  const data = events.map((event) => JSON.stringify(event.data));
  const { rows } = await sql.query<Row>(APPEND, [stream, expectedVersion, types, data]);
  if (rows.length === 0) return { kind: 'conflict', version: await versionOf(sql, stream) };
  const stored = rows.map((row) => storedEvent(stream, row)).sort((a, b) => a.version - b.version);
  return { kind: 'written', version: expectedVersion + stored.length, events: stored };
}

/** The events of a stream in order, from a version on; none if there is no such stream. */
export async function read(sql: Sql, stream: string, from = 1): Promise<StoredEvent[]> {
  const { rows } = await sql.query<Row>(
    'select version, type, data, time from events where stream = $1 and version >= $2 order by version',
    [stream, from],
  );
  return rows.map((row) => storedEvent(stream, row));
}

/** 0 if there is no such stream. */
export async function versionOf(sql: Sql, stream: string): Promise<number> {
  const { rows } = await sql.query<{ version: number }>('select version from streams where stream = $1', [
    stream,
  ]);
  return rows[0]?.version ?? NO_EVENTS;
}

interface Row {
  version: number;
  type: string;
  data: unknown;
  time: Date;
}

const storedEvent = (stream: string, { version, type, data, time }: Row): StoredEvent => ({
  ...{ stream, version, type, data },
  time: time.toISOString(),
});

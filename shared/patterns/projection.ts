import { type Clock, systemClock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { StoredEvent } from './event-store.ts';
import type { Database, Sql } from './sql.ts';

/** Read models that follow from the events of all streams. */
export interface Projection {
  /** Its row in `projections`. */
  name: string;
  /**
   * Applies events, those of a stream in order. Runs in the transaction that moves the position, so each event is
   * applied once. What it writes may depend on nothing but the events, so that a rebuilt model equals this one.
   */
  apply(sql: Sql, events: readonly StoredEvent[]): Promise<void>;
}

/**
 * A place in the order of all events: the transaction that wrote an event, and its number. Numbers alone follow the
 * order in which they were drawn, and a transaction that drew a lower one may commit later.
 */
export interface Position {
  /** An xid8, as text. */
  xid: string;
  /** A bigint, as text. */
  position: string;
}

export const BEGINNING: Position = { xid: '0', position: '0' };

export interface EventBatch {
  events: StoredEvent[];
  /** Position of the last event, or as given if there is none. */
  end: Position;
  /** True if more are stored: beyond this batch, or by transactions that others, still open, may precede. */
  hasMore: boolean;
}

/** Only events of transactions that no open one precedes: nothing can be committed before them any more. */
const BATCH = `
select stream, version, type, data, time, xid::text, position::text
from events
where (xid, position) > ($1::xid8, $2::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
order by events.xid, events.position
limit $3`;

const MORE = 'select exists (select from events where (xid, position) > ($1::xid8, $2::bigint)) as more';

interface Row {
  stream: string;
  version: number;
  type: string;
  data: unknown;
  time: Date;
  xid: string;
  position: string;
}

export async function readBatch(sql: Sql, after: Position, limit: number): Promise<EventBatch> {
  const { rows } = await sql.query<Row>(BATCH, [after.xid, after.position, limit]);
  const last = rows.at(-1);
  const end: Position = last ? { xid: last.xid, position: last.position } : after;
  const events = rows.map(({ stream, version, type, data, time }) => {
    return { stream, version, type, data, time: time.toISOString() };
  });
  const { rows: left } = await sql.query<{ more: boolean }>(MORE, [end.xid, end.position]);
  return { events, end, hasMore: left[0]!.more };
}

export interface ProjectOptions {
  /** Events of one transaction. Default 500. */
  batch?: number;
  /** Time after which it stops, in ms, although there is more. Default 20,000. */
  maxMs?: number;
  clock?: Clock;
}

const BATCH_EVENTS = 500;
const MAX_MS = 20_000;
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 250;

/**
 * Applies all events that are stored, in transactions of one batch each, and returns their number. Projectors of one
 * projection take turns by its row. An event that other transactions may still precede is waited for.
 */
export async function project(
  database: Database,
  projection: Projection,
  { batch = BATCH_EVENTS, maxMs = MAX_MS, clock = systemClock }: ProjectOptions = {},
): Promise<number> {
  const until = clock.now() + maxMs;
  let wait = FIRST_WAIT_MS;
  for (let applied = 0; ; ) {
    const { events, hasMore } = await database.transaction((sql) => projectBatch(sql, projection, batch));
    applied += events;
    if (!hasMore || clock.now() >= until) return applied;
    if (events > 0) wait = FIRST_WAIT_MS;
    else await clock.sleep(wait);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }
}

/** One batch, in the transaction of `sql`. Throws `invalid-config` if the projection has no row. */
export async function projectBatch(
  sql: Sql,
  { name, apply }: Projection,
  batch: number,
): Promise<{ events: number; hasMore: boolean; end: Position }> {
  const { events, end, hasMore } = await readBatch(sql, await lockPosition(sql, name), batch);
  if (events.length > 0) {
    await apply(sql, events);
    await sql.query('update projections set xid = $2::xid8, position = $3 where name = $1', [
      ...[name, end.xid, end.position],
    ]);
  }
  return { events: events.length, hasMore, end };
}

const LOCK = `
select xid::text, position::text, xid >= pg_current_xact_id() as "isAhead"
from projections where name = $1 for update`;

/**
 * The position of a projection, whose row is locked until the transaction ends. A database that was restored from a
 * dump counts its transactions anew: a position from before would wait for a number that is years away.
 */
export async function lockPosition(sql: Sql, name: string): Promise<Position> {
  const { rows } = await sql.query<Position & { isAhead: boolean }>(LOCK, [name]);
  if (rows[0] === undefined) {
    throw new AppError('invalid-config', `projection must have a row in projections, got none of ${name}`);
  }
  const { isAhead, ...position } = rows[0];
  if (!isAhead) return position;
  throw new AppError(
    'invalid-config',
    `projection ${name} must not be ahead of the database, got transaction ${position.xid}: after a restore, rebuild it`,
  );
}

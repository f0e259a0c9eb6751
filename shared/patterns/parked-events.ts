import type { CloudEvent } from '../events/cloud-event.ts';
import { admit, missing, type Predecessors } from './parking.ts';
import type { Sql } from './sql.ts';

export interface OrderedWork<E extends CloudEvent> {
  /** Name of the function: each consumer has an order of its own. */
  consumer: string;
  /** What the events are about: those of one subject run one at a time. */
  subject: string;
  rules: Predecessors;
  event: E;
  /** The function's input with the event: its dead letter, should the predecessors not come. */
  input: unknown;
  /** Milliseconds since the epoch: when it is given up. */
  expiresAt: number;
}

/** A parked event whose time has passed. */
export interface ExpiredEvent {
  consumer: string;
  /** 64 hex digits. */
  eventId: string;
  type: string;
  input: unknown;
  /** Predecessors that have not come. */
  missing: string[];
}

const LOCK = `
insert into ordered_subjects (consumer, subject) values ($1, $2)
on conflict (consumer, subject) do update set subject = excluded.subject
returning seen`;

const PARK = `
insert into parked_events (consumer, event_id, subject, type, event, input, expires_at)
values ($1, $2, $3, $4, $5, $6, to_timestamp($7 / 1000.0))`;

/**
 * Runs an event, and those that waited for it, in the order of their rules; or parks it if predecessors are missing.
 * Has to run in the transaction that marks the event in the inbox. `run` gets the events one after another. Returns
 * the events that ran: none if it was parked.
 *
 * @example
 * await database.transaction(async (sql) => {
 *   if (!(await inbox(sql, 'trackOrder', event.eventId))) return;
 *   await runInOrder(sql, { consumer: 'trackOrder', subject: orderId, ... }, (one) => apply(sql, one));
 * });
 */
export async function runInOrder<E extends CloudEvent>(
  sql: Sql,
  { consumer, subject, rules, event, input, expiresAt }: OrderedWork<E>,
  run: (event: E) => Promise<void>,
): Promise<E[]> {
  const locked = await sql.query<{ seen: string[] }>(LOCK, [consumer, subject]);
  const seen = new Set(locked.rows[0]!.seen);
  const { rows } = await sql.query<{ event: E }>(
    'select event from parked_events where consumer = $1 and subject = $2 and not is_given_up order by event_id',
    [consumer, subject],
  );
  const parked = rows.map((row) => row.event);
  const { ready } = admit(rules, { seen, parked }, event);
  if (ready.length === 0) {
    const { eventId, type } = event;
    const json = [JSON.stringify(event), JSON.stringify(input)];
    await sql.query(PARK, [consumer, eventId, subject, type, ...json, expiresAt]);
    return [];
  }
  for (const one of ready) await run(one);
  await sql.query('update ordered_subjects set seen = $3 where consumer = $1 and subject = $2', [
    ...[consumer, subject],
    [...seen, ...ready.map(({ type }) => type)],
  ]);
  const ids = ready.map(({ eventId }) => eventId);
  await sql.query('delete from parked_events where consumer = $1 and event_id = any($2)', [consumer, ids]);
  return ready;
}

const GIVE_UP = `
with due as (
  select consumer, event_id from parked_events
  where expires_at <= to_timestamp($1 / 1000.0)
  order by expires_at limit $2
  for update skip locked
)
update parked_events parked set is_given_up = true
from due, ordered_subjects subjects
where (parked.consumer, parked.event_id) = (due.consumer, due.event_id)
  and (subjects.consumer, subjects.subject) = (parked.consumer, parked.subject)
returning parked.consumer, parked.event_id as "eventId", parked.type, parked.input, subjects.seen`;

/**
 * Takes up to `limit` events out of the order whose time has passed: they run no more, even if their predecessors
 * come. Make each a dead letter, and then call `forgetExpired`; those for which that did not happen are returned again.
 */
export async function expiredEvents(
  sql: Sql,
  rulesOf: (consumer: string) => Predecessors,
  now: number,
  limit: number,
): Promise<ExpiredEvent[]> {
  const { rows } = await sql.query<Omit<ExpiredEvent, 'missing'> & { seen: string[] }>(GIVE_UP, [now, limit]);
  return rows.map(({ seen, ...event }) => ({
    ...event,
    missing: missing(rulesOf(event.consumer), new Set(seen), event.type),
  }));
}

/** Forgets an expired event with its mark in the inbox, so that a replay of its dead letter runs. */
export async function forgetExpired(
  sql: Sql,
  { consumer, eventId }: Pick<ExpiredEvent, 'consumer' | 'eventId'>,
): Promise<void> {
  await sql.query(
    `with parked as (delete from parked_events where consumer = $1 and event_id = $2)
     delete from inbox where consumer = $1 and event_id = $2`,
    [consumer, eventId],
  );
}

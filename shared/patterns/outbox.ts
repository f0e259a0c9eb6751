import { AppError } from '../core/errors.ts';
import type { PreparedEvent } from '../events/publish.ts';
import { PUBSUB_LIMITS } from '../gcp/pubsub-limits.ts';
import type { Sql } from './sql.ts';

const ENQUEUE = `
insert into outbox (stream, topic, id, type, data, attributes, ordering_key)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[])
on conflict (id) do nothing`;

/**
 * Writes events for `relay` to publish, in the transaction of the change that they report. Those with one ordering key
 * are published in the order in which they were enqueued, if their transactions lock what the key stands for first.
 * An event with the id of an earlier one is left out. Throws `too-large` for one that Pub/Sub would refuse.
 *
 * @example
 * await database.transaction(async (sql) => {
 *   await sql.query('update orders set status = $1 where id = $2', ['paid', id]);
 *   await enqueue(sql, [await prepare('events', { type: 'order.paid', data: { id }, orderingKey: id })]);
 * });
 */
export async function enqueue(sql: Sql, events: readonly PreparedEvent[]): Promise<void> {
  if (events.length === 0) return;
  for (const { type, data } of events) {
    const bytes = Buffer.byteLength(data);
    if (bytes <= PUBSUB_LIMITS.data) continue;
    throw new AppError(
      'too-large',
      `message of ${type} must have at most ${PUBSUB_LIMITS.data} bytes, got ${bytes}`,
    );
  }
  await sql.query(ENQUEUE, [
    events.map(({ orderingKey, id }) => orderingKey ?? id),
    events.map(({ topic }) => topic),
    events.map(({ id }) => id),
    events.map(({ type }) => type),
    events.map(({ data }) => data),
    events.map(({ attributes }) => JSON.stringify(attributes)),
    events.map(({ orderingKey }) => orderingKey ?? null),
  ]);
}

/** Rows deleted at a time, so that no transaction is long. */
const FORGOTTEN = 1_000;
const FORGET_ROUNDS = 50;

const FORGET = `
delete from outbox where position in (
  select position from outbox where published_at < clock_timestamp() - $1 * interval '1 day' limit $2
)`;

/**
 * Deletes events that were published more than so many days ago, 50,000 at most, and returns their number. Each
 * thousand is a transaction of its own.
 */
export async function forgetPublished(sql: Sql, days: number): Promise<number> {
  let all = 0;
  for (let round = 0; round < FORGET_ROUNDS; round++) {
    const { rowCount } = await sql.query(FORGET, [days, FORGOTTEN]);
    all += rowCount ?? 0;
    if ((rowCount ?? 0) < FORGOTTEN) break;
  }
  return all;
}

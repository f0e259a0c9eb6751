import type { MessagePart } from '../../../shared/events/message-part.ts';
import type { Context } from '../../../shared/invocation/context.ts';
import { type Outcome, outcome } from '../../../shared/invocation/outcome.ts';
import { inbox } from '../../../shared/patterns/inbox.ts';
import { runInOrder } from '../../../shared/patterns/parked-events.ts';
import type { Database, Sql } from '../../../shared/patterns/sql.ts';
import { TRACKING_ORDER, type TrackedEvent, type Tracking, track } from './track.ts';

export interface TrackingServiceOptions {
  /** The consumer in the inbox. */
  name: string;
  database: Database;
  /** How long an event waits for those that come before it. */
  parkMs: number;
}

/**
 * Keeps a row for each order that says what has happened to it, whatever order its events come in: one whose
 * predecessors are missing is parked, and runs after the last of them.
 */
export function trackingService({ name, database, parkMs }: TrackingServiceOptions) {
  return async (
    event: TrackedEvent,
    { clock }: Pick<Context<unknown>, 'clock'>,
    part: () => Pick<MessagePart, 'input'>,
  ): Promise<Outcome> =>
    database.transaction(async (sql) => {
      if (!(await inbox(sql, name, event.eventId))) return outcome('duplicate');
      const { orderId } = event.data;
      const work = {
        ...{ consumer: name, subject: orderId, rules: TRACKING_ORDER, event },
        ...{ input: part().input, expiresAt: clock.now() + parkMs },
      };
      const ran = await runInOrder<TrackedEvent>(sql, work, (one) => apply(sql, orderId, one));
      return ran.length === 0
        ? outcome('parked', {}, 'event parked until its predecessors come')
        : outcome('tracked', { events: ran.length });
    });
}

/** Undefined if nothing is known of the order. */
export async function trackingOf(sql: Sql, orderId: string): Promise<Tracking | undefined> {
  const { rows } = await sql.query<Omit<Tracking, 'total'> & { total: string }>(
    'select status, total, currency, steps from order_tracking where order_id = $1',
    [orderId],
  );
  return rows[0] && { ...rows[0], total: Number(rows[0].total) };
}

async function apply(sql: Sql, orderId: string, event: TrackedEvent): Promise<void> {
  const { status, total, currency, steps } = track(await trackingOf(sql, orderId), event);
  await sql.query(
    `insert into order_tracking (order_id, status, total, currency, steps) values ($1, $2, $3, $4, $5)
     on conflict (order_id) do update set status = excluded.status, steps = excluded.steps`,
    [orderId, status, total, currency, JSON.stringify(steps)],
  );
}

import { AppError } from '../../../shared/core/errors.ts';
import type { Context } from '../../../shared/invocation/context.ts';
import { logRefusal, type Refuse } from '../../../shared/invocation/refusals.ts';
import { expiredEvents, forgetExpired } from '../../../shared/patterns/parked-events.ts';
import type { Predecessors } from '../../../shared/patterns/parking.ts';
import type { Database } from '../../../shared/patterns/sql.ts';

export interface SweepParkedOptions {
  database: Database;
  /** By the name of the function that parks them. */
  rules: Readonly<Record<string, Predecessors>>;
  refuse: Refuse;
}

/** Events of one sweep, at most. */
const MAX_SWEPT = 500;

/**
 * Makes a dead letter of each parked event whose time has passed, in the name of the function that parked it: a replay
 * goes to that one. The event is forgotten after its dead letter is published, so a crash in between publishes the same
 * one again. Returns how many there were.
 */
export async function sweepParked(
  { database, rules, refuse }: SweepParkedOptions,
  { clock, log, signal }: Pick<Context<unknown>, 'clock' | 'log' | 'signal'>,
): Promise<number> {
  const at = new Date(clock.now());
  const expired = await database.transaction((sql) =>
    expiredEvents(sql, (consumer) => rules[consumer] ?? {}, at.getTime(), MAX_SWEPT),
  );
  for (const event of expired) {
    const { consumer, eventId, type, input, missing } = event;
    const message = `${type} must come after ${missing.join(', ') || 'its predecessors'}, which did not come in time`;
    const error = new AppError('app-predecessor-missing', message);
    const to = await refuse({ function: consumer, eventId, error, input, at, signal });
    logRefusal(log.with({ function: consumer }), { eventId, eventType: type, error, to });
    await forgetExpired(database, event);
  }
  return expired.length;
}

import { AppError } from '../../../shared/core/errors.ts';
import type { EventOf } from '../../../shared/events/cloud-event.ts';
import type { MessagePart } from '../../../shared/events/message-part.ts';
import type { Context } from '../../../shared/invocation/context.ts';
import { type Outcome, outcome } from '../../../shared/invocation/outcome.ts';
import { inbox } from '../../../shared/patterns/inbox.ts';
import { runInOrder } from '../../../shared/patterns/parked-events.ts';
import type { Predecessors } from '../../../shared/patterns/parking.ts';
import { type SagaLimits, sagaAnswered, sagaOverdue, startSaga } from '../../../shared/patterns/saga.ts';
import type { Database, Sql } from '../../../shared/patterns/sql.ts';
import { chosenSaga } from '../fulfilment/chosen-saga.ts';
import type { Saga } from '../fulfilment/settings.ts';
import { lockedSaga, overdueSaga, type StoredSaga, saveMove } from './saga-store.ts';
import { ORDER_SAGA } from './steps.ts';

export const TYPES = [
  'order.created',
  'order.confirmed',
  'order.cancelled',
  'payment.processed',
  'payment.failed',
  'payment.refunded',
  'stock.reserved',
  'stock.rejected',
  'stock.released',
] as const;

export type SagaEvent = EventOf<(typeof TYPES)[number]>;
export type SagaContext = Pick<Context<unknown>, 'forEvent' | 'clock'>;

/** A customer may cancel an order that this function has not seen yet. */
export const SAGA_ORDER: Predecessors = Object.fromEntries(
  TYPES.filter((type) => type !== 'order.created').map((type) => [type, ['order.created']]),
);

export interface SagaServiceOptions {
  /** The consumer in the inbox. */
  name: string;
  database: Database;
  saga: Saga;
  limits: SagaLimits;
  /** How long an event waits for its order. */
  parkMs: number;
}

/** Runs the saga of each orchestrated order: state, inbox and the next command are one transaction. */
export function sagaService({ name, database, saga, limits, parkMs }: SagaServiceOptions) {
  return async (
    event: SagaEvent,
    context: SagaContext,
    part: () => Pick<MessagePart, 'input'>,
  ): Promise<Outcome> =>
    database.transaction(async (sql) => {
      const { orderId } = event.data;
      if ((await chosenSaga(sql, orderId, saga)) !== 'orchestration') return outcome('ignored');
      if (!(await inbox(sql, name, event.eventId))) return outcome('duplicate');
      const stored = await lockedSaga(sql, orderId);
      if (stored) return moveSaga(sql, stored, event, context);
      let last = outcome('parked', {}, 'event parked until its predecessor comes');
      const work = {
        ...{ consumer: name, subject: orderId, rules: SAGA_ORDER, event },
        ...{ input: part().input, expiresAt: context.clock.now() + parkMs },
      };
      await runInOrder<SagaEvent>(sql, work, async (one) => {
        last = await beginOrMove(sql, one, context);
      });
      return last;
    });

  async function beginOrMove(sql: Sql, event: SagaEvent, context: SagaContext): Promise<Outcome> {
    const stored = await lockedSaga(sql, event.data.orderId);
    if (stored) return moveSaga(sql, stored, event, context);
    if (event.type !== 'order.created')
      throw new TypeError(`a saga must begin with its order, got ${event.type}`);
    const started = startSaga(ORDER_SAGA, context.clock.now(), limits);
    await saveMove(sql, { order: event.data, cause: event }, started, context.forEvent(event).prepare);
    return outcome('running', { command: started.command }, 'saga started');
  }

  async function moveSaga(
    sql: Sql,
    { order, state }: StoredSaga,
    event: SagaEvent,
    { clock, forEvent }: SagaContext,
  ): Promise<Outcome> {
    const moved = sagaAnswered(ORDER_SAGA, state, event.type, clock.now(), limits);
    if (moved === undefined) return outcome('ignored', {}, 'answer is not awaited');
    await saveMove(sql, { order, cause: event }, moved, forEvent(event).prepare);
    return outcome(moved.state.status, { command: moved.command }, 'saga moved');
  }
}

/** Sagas of one sweep, at most. */
const MAX_SWEPT = 1_000;

/**
 * Moves the sagas whose answers are overdue, each in a transaction of its own. A saga that cannot go on by itself is
 * parked, with an error in the log: a person has to see to it that the service answers, for instance by replaying its
 * dead letter.
 */
export async function sweepSagas(
  database: Database,
  limits: SagaLimits,
  { clock, forEvent, log, signal }: Pick<Context<unknown>, 'clock' | 'forEvent' | 'log' | 'signal'>,
): Promise<{ moved: number; parked: number }> {
  const swept = { moved: 0, parked: 0 };
  const now = clock.now();
  while (swept.moved + swept.parked < MAX_SWEPT) {
    signal.throwIfAborted();
    const moved = await database.transaction(async (sql) => {
      const stored = await overdueSaga(sql, now);
      const next = stored && sagaOverdue(ORDER_SAGA, stored.state, now, limits);
      if (next) await saveMove(sql, stored, next, forEvent(stored.cause).prepare);
      return next && { ...next, orderId: stored.order.orderId };
    });
    if (moved === undefined) break;
    if (moved.state.status !== 'parked') {
      swept.moved++;
      continue;
    }
    swept.parked++;
    const { step, tries, isUndoing } = moved.state;
    const message = `saga must be answered after ${limits.maxTries} tries, got no answer`;
    log.error('saga parked', new AppError('internal', message), {
      ...{ outcome: 'parked', orderId: moved.orderId, tries, isUndoing },
      step: ORDER_SAGA[step]?.name,
    });
  }
  return swept;
}

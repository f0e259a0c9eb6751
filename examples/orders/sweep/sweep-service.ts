import { readTick } from '../../../shared/events/read-tick.ts';
import type { Context } from '../../../shared/invocation/context.ts';
import { type Outcome, outcome } from '../../../shared/invocation/outcome.ts';
import type { Refuse } from '../../../shared/invocation/refusals.ts';
import { createNudge } from '../../../shared/patterns/nudge.ts';
import { forgetPublished } from '../../../shared/patterns/outbox.ts';
import type { SagaLimits } from '../../../shared/patterns/saga.ts';
import type { Database } from '../../../shared/patterns/sql.ts';
import { WORK_TOPIC } from '../relay/definition.ts';
import { runOrderSaga } from '../saga/definition.ts';
import { SAGA_ORDER, sweepSagas } from '../saga/saga-service.ts';
import { handleStock } from '../stock/definition.ts';
import { STOCK_ORDER } from '../stock/stock-service.ts';
import { trackOrders } from '../tracking/definition.ts';
import { TRACKING_ORDER } from '../tracking/track.ts';
import { sweepParked } from './sweep-parked.ts';

export interface SweepServiceOptions {
  database: Database;
  limits: SagaLimits;
  refuse: Refuse;
}

/** The functions that park events. */
const rules = {
  [handleStock.name]: STOCK_ORDER,
  [runOrderSaga.name]: SAGA_ORDER,
  [trackOrders.name]: TRACKING_ORDER,
};

/** Days that published messages stay in the outbox, for those who look for a cause. */
const OUTBOX_DAYS = 7;

/**
 * With each tick: sagas whose answers are overdue go on, events that have waited too long are dead letters, and old
 * messages leave the outbox.
 */
export function sweepService({ database, limits, refuse }: SweepServiceOptions) {
  const nudge = createNudge(WORK_TOPIC);
  return {
    read: readTick('sweepOrders'),
    async run(_tick: unknown, context: Context<unknown>): Promise<Outcome> {
      const sagas = await sweepSagas(database, limits, context);
      if (sagas.moved > 0) await nudge(context);
      const expired = await sweepParked({ database, rules, refuse }, context);
      const forgotten = await forgetPublished(database, OUTBOX_DAYS);
      return outcome('swept', { ...sagas, expired, forgotten });
    },
  };
}

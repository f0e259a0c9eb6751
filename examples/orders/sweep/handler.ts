import { type Env, readSettings } from '../../../shared/app/settings.ts';
import { readTick } from '../../../shared/events/read-tick.ts';
import { eventHandler } from '../../../shared/invocation/event-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { createPool } from '../database/pool.ts';
import { limitSettings, withDatabase } from '../fulfilment/settings.ts';
import { runOrderSaga } from '../saga/definition.ts';
import { SAGA_ORDER, sweepSagas } from '../saga/saga-service.ts';
import { handleStock } from '../stock/definition.ts';
import { STOCK_ORDER } from '../stock/stock-service.ts';
import { trackOrders } from '../tracking/definition.ts';
import { TRACKING_ORDER } from '../tracking/track.ts';
import { sweepParked } from './sweep-parked.ts';

const rules = {
  [handleStock.name]: STOCK_ORDER,
  [runOrderSaga.name]: SAGA_ORDER,
  [trackOrders.name]: TRACKING_ORDER,
};

const parseSettings = withDatabase((env: Env) => {
  const { SAGA_ANSWER_SECONDS, SAGA_TRIES } = readSettings(limitSettings, env);
  return { limits: { answerMs: SAGA_ANSWER_SECONDS * 1_000, maxTries: SAGA_TRIES } };
});

export const { handle } = eventHandler({
  settings: parseSettings,
  open({ settings: { databaseUrl, limits }, refuse }) {
    const database = createPool({ url: databaseUrl, connections: 1 });
    return {
      read: readTick('sweepOrders'),
      async run(_tick, context) {
        const sagas = await sweepSagas(database, limits, context);
        const expired = await sweepParked({ database, rules, refuse }, context);
        return outcome('swept', { ...sagas, expired });
      },
    };
  },
});

import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY } from '../fulfilment/consumer.ts';
import { parseSagaSettings } from '../fulfilment/settings.ts';
import { withNudge } from '../fulfilment/with-nudge.ts';
import { settleService, TYPES } from './settle-service.ts';

export const { handle } = messageHandler({
  types: TYPES,
  settings: parseSagaSettings,
  open({ settings, functionName }) {
    return withNudge(
      settleService({
        name: functionName,
        database: createPool({ url: settings.databaseUrl, connections: CONCURRENCY }),
        saga: settings.ORDER_SAGA,
      }),
    );
  },
});

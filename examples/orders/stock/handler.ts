import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY } from '../fulfilment/consumer.ts';
import { withNudge } from '../fulfilment/with-nudge.ts';
import { parseSettings } from './settings.ts';
import { stockService, TYPES } from './stock-service.ts';

export const { handle } = messageHandler({
  types: TYPES,
  settings: parseSettings,
  open({ settings, functionName }) {
    return withNudge(
      stockService({
        name: functionName,
        database: createPool({ url: settings.databaseUrl, connections: CONCURRENCY }),
        saga: settings.ORDER_SAGA,
        parkMs: settings.PREDECESSOR_SECONDS * 1_000,
      }),
    );
  },
});

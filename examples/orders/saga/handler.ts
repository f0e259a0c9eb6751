import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY } from '../fulfilment/consumer.ts';
import { withNudge } from '../fulfilment/with-nudge.ts';
import { sagaService, TYPES } from './saga-service.ts';
import { parseSettings } from './settings.ts';

export const { handle } = messageHandler({
  types: TYPES,
  settings: parseSettings,
  open({ settings: { databaseUrl, ...options }, functionName }) {
    const database = createPool({ url: databaseUrl, connections: CONCURRENCY });
    return withNudge(sagaService({ name: functionName, database, ...options }));
  },
});

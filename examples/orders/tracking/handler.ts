import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY } from '../fulfilment/consumer.ts';
import { parseSettings } from './settings.ts';
import { TYPES } from './track.ts';
import { trackingService } from './tracking-service.ts';

export const { handle } = messageHandler({
  types: TYPES,
  settings: parseSettings,
  open({ settings, functionName }) {
    return trackingService({
      name: functionName,
      database: createPool({ url: settings.databaseUrl, connections: CONCURRENCY }),
      parkMs: settings.PREDECESSOR_SECONDS * 1_000,
    });
  },
});

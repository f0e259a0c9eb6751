import { requestHandler } from '../../../shared/invocation/request-handler.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY } from './definition.ts';
import { ordersService } from './orders-service.ts';
import { parseSettings } from './settings.ts';

export const { serve } = requestHandler({
  settings: parseSettings,
  open: ({ settings }) =>
    ordersService(createPool({ url: settings.databaseUrl, connections: CONCURRENCY }), settings),
});

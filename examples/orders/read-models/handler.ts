import { coalesced } from '../../../shared/core/coalesce.ts';
import { readTick } from '../../../shared/events/read-tick.ts';
import { eventHandler } from '../../../shared/invocation/event-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { project } from '../../../shared/patterns/projection.ts';
import { parseDatabaseUrl } from '../database/connect.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY } from './definition.ts';
import { LIVE, readModels } from './project-orders.ts';

export const { handle } = eventHandler({
  settings: parseDatabaseUrl,
  open({ settings: url }) {
    const database = createPool({ url, connections: CONCURRENCY });
    const run = coalesced(() => project(database, readModels(LIVE)));
    return {
      read: readTick('projectOrders'),
      async run() {
        const applied = await run();
        return outcome(applied > 0 ? 'projected' : 'idle', { applied }, 'read models up to date');
      },
    };
  },
});

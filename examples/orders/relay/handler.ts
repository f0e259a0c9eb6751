import { coalesced } from '../../../shared/core/coalesce.ts';
import { readTick } from '../../../shared/events/read-tick.ts';
import { eventHandler } from '../../../shared/invocation/event-handler.ts';
import { outcome, reportPublished } from '../../../shared/invocation/outcome.ts';
import { forgetPublished } from '../../../shared/patterns/outbox.ts';
import { relay } from '../../../shared/patterns/relay.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY } from './definition.ts';
import { parseSettings } from './settings.ts';

export const { handle } = eventHandler({
  settings: parseSettings,
  open({ settings, publisher, topicNamed, log }) {
    const database = createPool({ url: settings.databaseUrl, connections: CONCURRENCY });
    const run = coalesced(async () =>
      relay(database, {
        publisher: await publisher(),
        topicNamed,
        leaseMs: settings.RELAY_LEASE_SECONDS * 1_000,
        onPublished: (event) => reportPublished(log, { source: '/relayOutbox', ...event }),
      }),
    );
    return {
      read: readTick('relayOutbox'),
      async run() {
        const { published, refused } = await run();
        const forgotten = await forgetPublished(database, settings.OUTBOX_DAYS);
        const fields = { published, refused: refused.length, forgotten };
        if (refused.length > 0) {
          return { ...outcome('refused', fields, 'events refused by Pub/Sub'), error: refused[0] };
        }
        return outcome(published > 0 ? 'relayed' : 'idle', fields, 'outbox relayed');
      },
    };
  },
});

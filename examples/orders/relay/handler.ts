import { coalesced } from '../../../shared/core/coalesce.ts';
import { readTick } from '../../../shared/events/read-tick.ts';
import { eventHandler } from '../../../shared/invocation/event-handler.ts';
import { outcome, reportPublished } from '../../../shared/invocation/outcome.ts';
import { createNudge } from '../../../shared/patterns/nudge.ts';
import { forgetPublished } from '../../../shared/patterns/outbox.ts';
import { relay } from '../../../shared/patterns/relay.ts';
import { createPool } from '../database/pool.ts';
import { CONCURRENCY, WORK_TOPIC } from './definition.ts';
import { parseSettings } from './settings.ts';

const FORGET_EVERY_MS = 30_000;

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
    const nudge = createNudge(WORK_TOPIC);
    let forgotAt = 0;
    /** Nudges come many times a second. */
    const forget = async (now: number): Promise<number> => {
      if (now - forgotAt < FORGET_EVERY_MS) return 0;
      forgotAt = now;
      return forgetPublished(database, settings.OUTBOX_DAYS);
    };
    return {
      read: readTick('relayOutbox'),
      async run(_tick, context) {
        const { published, refused, hasMore } = await run();
        if (hasMore) await nudge(context);
        const fields = { published, refused: refused.length, forgotten: await forget(context.clock.now()) };
        if (refused.length > 0) {
          return { ...outcome('refused', fields, 'events refused by Pub/Sub'), error: refused[0] };
        }
        return outcome(published > 0 ? 'relayed' : 'idle', fields, 'outbox relayed');
      },
    };
  },
});

import { mapConcurrent } from '../../../shared/core/map-concurrent.ts';
import { readTick } from '../../../shared/events/read-tick.ts';
import { eventHandler } from '../../../shared/invocation/event-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { readRecord } from '../../../shared/records/record.ts';
import { complete, type Tools } from '../users/complete.ts';
import { type Intent, OUTBOX } from '../users/user.ts';
import { parseSettings } from './settings.ts';

/** Limit of one run; the next one continues. */
const MAX_INTENTS = 2_000;
const PARALLEL = 16;

export const { handle } = eventHandler({
  settings: parseSettings,
  read: readTick('relayUsers'),
  async run(_tick, context) {
    const { bucket, clock, signal } = context;
    const store = bucket('users');
    const minAgeMs = context.settings.OUTBOX_AGE_SECONDS * 1_000;
    const tools: Tools = { store, publisher: context.publisher, topicNamed: context.topicNamed, signal };
    const due: string[] = [];
    for await (const { name, updated } of store.list({ prefix: OUTBOX, signal })) {
      if (clock.now() - updated.getTime() < minAgeMs) continue;
      if (due.push(name) === MAX_INTENTS) break;
    }
    const counts = { published: 0, dropped: 0, failed: 0 };
    let failure: unknown;
    await mapConcurrent(due, PARALLEL, async (name) => {
      try {
        const intent = await readRecord<Intent>(store, name, { signal });
        // its request has just published it
        if (intent !== undefined) counts[await complete(intent, tools)]++;
      } catch (error) {
        // one that cannot be read must not hold up the others
        counts.failed++;
        failure ??= error;
      }
    });
    if (failure !== undefined) {
      context.report(outcome('relayed', counts, 'outbox relayed in part'));
      throw failure;
    }
    return outcome(due.length === 0 ? 'idle' : 'relayed', counts, 'outbox relayed');
  },
});

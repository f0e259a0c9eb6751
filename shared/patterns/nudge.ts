import { coalesced } from '../core/coalesce.ts';
import type { Logger } from '../core/log.ts';
import type { Publisher } from '../gcp/pubsub.ts';

/** What a nudge needs of the context of a delivery or a request. */
export interface NudgeContext {
  publisher(): Promise<Publisher>;
  topicNamed(key: string): string;
  log: Pick<Logger, 'info'>;
}

/** An answer must not wait longer for what is only a hint. */
const NUDGE_MS = 2_000;

/**
 * Fires a scheduled function now: publishes to the topic of its ticks. For a relay, after each transaction that wrote
 * to the outbox. Callers during one publish request share the next one. Never throws: what is not nudged waits for
 * the next tick. One value per instance.
 *
 * @example
 * const nudge = createNudge('order-work');
 * await database.transaction(work);
 * await nudge(context);
 */
export function createNudge(topic: string): (context: NudgeContext) => Promise<void> {
  let latest: NudgeContext;
  const publish = coalesced(async () => {
    const { publisher, topicNamed, log } = latest;
    try {
      const signal = AbortSignal.timeout(NUDGE_MS);
      const client = await publisher();
      await client.publish(topicNamed(topic), [{ data: '{"nudge":true}' }], { signal });
    } catch (error) {
      log.info('nudge not published', { reason: String(error) });
    }
  });
  return (context) => {
    latest = context;
    return publish();
  };
}

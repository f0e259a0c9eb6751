import { sha256 } from '../../shared/runtime/cloud-event.ts';
import type { EventFunction, ParsedEvent, Runtime } from '../../shared/runtime/handle.ts';
import { messageEvent, parsePubsubMessage } from '../../shared/runtime/pubsub-message.ts';
import type { IngestConfig } from './config.ts';
import { toIngestError } from './events-table.ts';
import { maintainTable } from './maintain-table.ts';
import { runtimeOf, type Services } from './services.ts';

const NAME = 'maintainTable';
/** What is left for the answer when the run's own time is up. */
const GRACE_MS = 30_000;

export function createMaintenance(
  config: IngestConfig,
  services: Services,
): { fn: EventFunction<ParsedEvent>; runtime: Runtime } {
  const { storage } = services;
  return {
    fn: {
      name: NAME,
      // the message only says that it is time
      parse(input) {
        const message = parsePubsubMessage(input);
        return { event: messageEvent(message, sha256(JSON.stringify(input))) };
      },
      logFields: ({ event }) => ({ messageId: event.id }),
      async run(_parsed, { clock, signal, log, startedAt }) {
        const { error, ...done } = await maintainTable({
          lake: storage.bucket(config.lakeBucket),
          path: config.lakePath,
          state: storage.bucket(config.stateBucket),
          maxMs: config.maintenanceMs,
          clock,
          signal,
        });
        log.info('table maintained', { ...done, durationMs: clock.now() - startedAt });
        if (error !== undefined) throw toIngestError(error);
      },
    },
    runtime: runtimeOf(config, services, config.maintenanceMs + GRACE_MS),
  };
}

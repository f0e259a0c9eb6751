import { DEATH_ID } from '../../shared/dead-letters/dead-letters-table.ts';
import type { ParsedEvent } from '../../shared/events/cloud-event.ts';
import type { EventFunction, Runtime } from '../../shared/invocation/handle.ts';
import { runtimeOf, type Services } from '../../shared/invocation/services.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import { toTableError } from '../../shared/lake/named-table.ts';
import { maintainTable } from './maintain-table.ts';
import { parseTick } from './maintain-tick.ts';
import type { MaintainConfig } from './settings.ts';

const NAME = 'maintainTable';
/** What is left for the answer when the run's own time is up. */
const GRACE_MS = 30_000;

/** What an instance keeps between its runs. */
export interface Maintenance {
  fn: EventFunction<ParsedEvent>;
  runtime: Runtime;
}

export function createMaintenance(config: MaintainConfig, services: Services): Maintenance {
  const { storage } = services;
  const tables = [
    { path: config.lakePath, idColumn: EVENT_ID, part: 0.7 },
    { path: config.deadLettersPath, idColumn: DEATH_ID, part: 1 },
  ];
  return {
    fn: {
      name: NAME,
      parse: parseTick,
      logFields: ({ event }) => ({ messageId: event.id }),
      async run(_parsed, { clock, signal, log, startedAt }) {
        const end = clock.now() + config.maintenanceMs;
        const errors: unknown[] = [];
        for (const { path, idColumn, part } of tables) {
          try {
            const { error, ...done } = await maintainTable({
              lake: storage.bucket(config.lakeBucket),
              path,
              idColumn,
              state: storage.bucket(config.stateBucket),
              maxMs: Math.max(0, end - clock.now()) * part,
              clock,
              signal,
            });
            log.info('table maintained', { table: path, ...done, durationMs: clock.now() - startedAt });
            if (error !== undefined) errors.push(error);
          } catch (error) {
            // the other table is not to blame
            errors.push(error);
          }
        }
        if (errors.length > 0) throw toTableError(errors[0]);
      },
    },
    runtime: runtimeOf(config, services, config.maintenanceMs + GRACE_MS),
  };
}

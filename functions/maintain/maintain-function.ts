import { DEATH_ID } from '../../shared/dead-letters/dead-letters-table.ts';
import type { ParsedEvent } from '../../shared/events/cloud-event.ts';
import { readTick } from '../../shared/events/read-tick.ts';
import type { OneEvent } from '../../shared/invocation/event-handler.ts';
import { outcome } from '../../shared/invocation/outcome.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import { toTableError } from '../../shared/lake/named-table.ts';
import { maintainTable } from './maintain-table.ts';
import { type MaintainConfig, parseMaintainConfig } from './settings.ts';

/** Time left for the answer when the run's own time is up. */
const GRACE_MS = 30_000;

/** Handles a tick of the schedule: maintains both tables, one after the other. */
export const maintenance: OneEvent<ParsedEvent, MaintainConfig> = {
  settings: parseMaintainConfig,
  attemptMs: ({ maintenanceMs }) => maintenanceMs + GRACE_MS,
  read: readTick('maintainTable'),
  logFields: ({ event }) => ({ messageId: event.id }),
  async run(_tick, { settings: config, storage, clock, signal, report }) {
    const tables = [
      { path: config.lakePath, idColumn: EVENT_ID, part: 0.7 },
      { path: config.deadLettersPath, idColumn: DEATH_ID, part: 1 },
    ];
    const end = clock.now() + config.maintenanceMs;
    const errors: unknown[] = [];
    for (const { path, idColumn, part } of tables) {
      try {
        const {
          error,
          outcome: status,
          ...done
        } = await maintainTable({
          lake: storage.bucket(config.lakeBucket),
          path,
          idColumn,
          state: storage.bucket(config.stateBucket),
          maxMs: Math.max(0, end - clock.now()) * part,
          clock,
          signal,
        });
        report(outcome(status, { table: path, ...done }, 'table maintained'));
        if (error !== undefined) errors.push(error);
      } catch (error) {
        // one table's failure must not stop the other
        errors.push(error);
      }
    }
    if (errors.length > 0) throw toTableError(errors[0]);
    return undefined;
  },
};

import { DEATH_ID } from '../../shared/dead-letters/dead-letters-table.ts';
import type { ParsedEvent } from '../../shared/events/cloud-event.ts';
import { readTick } from '../../shared/events/read-tick.ts';
import type { OneEvent } from '../../shared/invocation/event-handler.ts';
import { outcome } from '../../shared/invocation/outcome.ts';
import { appTablePath } from '../../shared/lake/app-tables.ts';
import { EVENT_ID } from '../../shared/lake/lake-settings.ts';
import { toTableError } from '../../shared/lake/named-table.ts';
import { maintainTable } from './maintain-table.ts';
import { type MaintainConfig, parseMaintainConfig } from './settings.ts';

/** Share of the remaining time that a table may take, except for the last. */
const PART = 0.7;
/** Time left for the answer when the run's own time is up. */
const GRACE_MS = 30_000;

/** Handles a tick of the schedule: maintains the tables of events, of dead letters and of the app, one after another. */
export const maintenance: OneEvent<ParsedEvent, MaintainConfig> = {
  settings: parseMaintainConfig,
  attemptMs: ({ maintenanceMs }) => maintenanceMs + GRACE_MS,
  read: readTick('maintainTable'),
  logFields: ({ event }) => ({ messageId: event.id }),
  async run(_tick, { app, settings: config, storage, clock, signal, report }) {
    const tables = [
      { path: config.lakePath, idColumn: EVENT_ID },
      { path: config.deadLettersPath, idColumn: DEATH_ID },
      ...(app.tables ?? []).map((table) => ({ path: appTablePath(table), idColumn: table.idColumn })),
    ];
    const end = clock.now() + config.maintenanceMs;
    const errors: unknown[] = [];
    for (const [index, { path, idColumn }] of tables.entries()) {
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
          maxMs: Math.max(0, end - clock.now()) * (index < tables.length - 1 ? PART : 1),
          clock,
          signal,
        });
        report(outcome(status, { table: path, ...done }, 'table maintained'));
        if (error !== undefined) errors.push(error);
      } catch (error) {
        // one table's failure must not stop the others
        errors.push(error);
      }
    }
    if (errors.length > 0) throw toTableError(errors[0]);
    return undefined;
  },
};

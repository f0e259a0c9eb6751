import { readSettings } from '../core/read-settings.ts';
import { AppTables } from '../lake/app-tables.ts';
import { lakeConfig, lakeMistakes, lakeSettings } from '../lake/lake-settings.ts';
import type { TableWiring } from './context.ts';
import { bucketOf } from './places.ts';

/**
 * The writers of the app's tables, for handlers that add rows. The function must declare `lakeSettings`.
 *
 * @example
 * export const { handle } = messageHandler({
 *   types: ['user.created'],
 *   tables: openTables,
 *   async run({ data }, { table }) {
 *     return outcome(await table(SIGNUPS).add({ user_id: data.userId }));
 *   },
 * });
 */
export function openTables(wiring: TableWiring): AppTables {
  const { app, env, log } = wiring;
  const { flush, checkpointCommits } = lakeConfig(readSettings(lakeSettings, env, lakeMistakes));
  const store = bucketOf(wiring, 'lake');
  return new AppTables({ store, declared: app.tables ?? [], flush, checkpointCommits, log });
}

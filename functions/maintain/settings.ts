import { serviceConfig, serviceSettings } from '../../shared/app/service-settings.ts';
import { type Env, integer, readSettings } from '../../shared/app/settings.ts';
import { lakeConfig, lakeMistakes, lakeSettings } from '../../shared/lake/lake-settings.ts';

export const settings = {
  ...serviceSettings,
  ...lakeSettings,
  MAINTENANCE_SECONDS: integer({ min: 1, max: 3_500, default: 480, doc: 'time of one run' }),
};

export type MaintainConfig = ReturnType<typeof parseMaintainConfig>;

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseMaintainConfig(env: Env) {
  const values = readSettings(settings, env, lakeMistakes);
  return {
    ...serviceConfig(values),
    ...lakeConfig(values),
    maintenanceMs: values.MAINTENANCE_SECONDS * 1_000,
  };
}

import { serviceConfig, serviceSettings } from '../../shared/app/service-settings.ts';
import { type Env, integer, number, readSettings } from '../../shared/app/settings.ts';
import { lakeConfig, lakeMistakes, lakeSettings } from '../../shared/lake/lake-settings.ts';

export const settings = {
  ...serviceSettings,
  ...lakeSettings,
  INSPECT_SECONDS: number({
    min: 0.1,
    max: 3_500,
    default: 100,
    doc: "time of one attempt; keep it below the function's timeout",
  }),
  INSPECT_FULL_PER_GROUP: integer({
    min: 1,
    max: 1_000_000,
    default: 100,
    doc: 'dead letters of one cause that an instance explains in full per hour; the rest are recorded and counted',
  }),
  INSPECT_FULL_PER_HOUR: integer({
    min: 1,
    max: 1_000_000,
    default: 1_000,
    doc: 'the same for all causes together',
  }),
};

export type DeadLetterConfig = ReturnType<typeof parseDeadLetterConfig>;

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseDeadLetterConfig(env: Env) {
  // An uninspected dead letter is kept for a week; an inspection loop would never end.
  const values = readSettings(settings, env, lakeMistakes);
  return {
    ...serviceConfig(values),
    ...lakeConfig(values),
    attemptMs: values.INSPECT_SECONDS * 1_000,
    /** Dead letters that an instance explains in full per hour; others are recorded and counted. */
    inFull: { perGroup: values.INSPECT_FULL_PER_GROUP, perHour: values.INSPECT_FULL_PER_HOUR },
  };
}

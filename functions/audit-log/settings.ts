import { type Env, readSettings, required } from '../../shared/app/settings.ts';
import { placeSettings } from '../../shared/core/place-settings.ts';
import { settings as common, parseRecordConfig } from '../record-event.ts';

export const settings = {
  ...common,
  GOOGLE_CLOUD_PROJECT: required(placeSettings.GOOGLE_CLOUD_PROJECT),
  LAKE_BUCKET: placeSettings.LAKE_BUCKET,
};

export type AuditConfig = ReturnType<typeof parseAuditConfig>;

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseAuditConfig(env: Env) {
  const { GOOGLE_CLOUD_PROJECT, ...values } = readSettings(settings, env);
  const topics = [values.EVENTS_TOPIC, values.DEAD_LETTER_TOPIC].map((topic) => topic?.split('/').at(-1));
  const places = [values.STATE_BUCKET, values.LAKE_BUCKET, ...topics];
  return {
    ...parseRecordConfig(env),
    project: GOOGLE_CLOUD_PROJECT,
    /** Short names. */
    ownPlaces: places.filter((name) => name !== undefined),
  };
}

import { secretFile } from '../../shared/app/app-settings.ts';
import { serviceConfig, serviceSettings } from '../../shared/app/service-settings.ts';
import { type Env, integer, readSettings, required, type Setting, text } from '../../shared/app/settings.ts';
import { placeSettings } from '../../shared/core/place-settings.ts';

/** Name of the secret with the keys of all sources. */
export const SOURCES_SECRET = 'RECEIVE_SOURCES';

const localFile: Setting<string> = {
  ...text({ doc: 'file with the sources and their keys', default: secretFile(SOURCES_SECRET) }),
  setBy: 'local runs',
};

export const settings = {
  ...serviceSettings,
  EVENTS_TOPIC: required(placeSettings.EVENTS_TOPIC),
  DEAD_LETTER_TOPIC: required(placeSettings.DEAD_LETTER_TOPIC),
  RECEIVE_SOURCES_FILE: localFile,
  MAX_BODY_BYTES: integer({
    min: 1,
    max: 10_000_000,
    default: 10_000_000,
    doc: 'bytes of the body of one request',
  }),
  SIGNATURE_SECONDS: integer({
    min: 1,
    max: 3_600,
    default: 300,
    doc: 'age of a signed timestamp above which a request is refused, also if it lies ahead',
  }),
};

export type ReceiveConfig = ReturnType<typeof parseReceiveConfig>;

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseReceiveConfig(env: Env) {
  const values = readSettings(settings, env);
  return {
    ...serviceConfig(values),
    eventsTopic: values.EVENTS_TOPIC,
    lettersTopic: values.DEAD_LETTER_TOPIC,
    sourcesFile: values.RECEIVE_SOURCES_FILE,
    maxBytes: values.MAX_BODY_BYTES,
    toleranceMs: values.SIGNATURE_SECONDS * 1_000,
  };
}

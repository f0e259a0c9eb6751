import { serviceConfig, serviceSettings } from '../../shared/app/service-settings.ts';
import { type Env, integer, number, oneOf, readSettings, text } from '../../shared/app/settings.ts';
import { lakeConfig, lakeMistakes, lakeSettings } from '../../shared/lake/lake-settings.ts';

export const settings = {
  ...serviceSettings,
  ...lakeSettings,
  UNKNOWN_TYPES: oneOf(['accept', 'refuse'], {
    default: 'accept',
    doc: 'what happens to events of a type without a schema',
  }),
  MAX_EVENT_BYTES: integer({ min: 1, max: 10_000_000, default: 1024 * 1024, doc: 'bytes of one event' }),
  MAX_EVENT_DEPTH: integer({
    min: 1,
    max: 1_000,
    default: 64,
    doc: 'levels of arrays and objects in one event',
  }),
  MAX_BATCH_EVENTS: integer({ min: 1, max: 100_000, default: 10_000, doc: 'events in one batch' }),
  DEFAULT_EVENT_TYPE: text({ default: 'json', doc: 'type of plain JSON whose attributes name none' }),
  DEFAULT_EVENT_SOURCE: text({
    default: '//pubsub.googleapis.com',
    doc: 'source of plain JSON, if neither attributes nor delivery name one',
  }),
  INGEST_SECONDS: number({
    min: 0.1,
    max: 3_500,
    default: 50,
    doc: "time of one attempt; keep it below the function's timeout",
  }),
};

export type IngestConfig = ReturnType<typeof parseIngestConfig>;

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseIngestConfig(env: Env) {
  const values = readSettings(settings, env, lakeMistakes);
  return {
    ...serviceConfig(values),
    ...lakeConfig(values),
    unknownTypes: values.UNKNOWN_TYPES,
    read: {
      maxBytes: values.MAX_EVENT_BYTES,
      maxDepth: values.MAX_EVENT_DEPTH,
      maxBatch: values.MAX_BATCH_EVENTS,
      defaultType: values.DEFAULT_EVENT_TYPE,
      defaultSource: values.DEFAULT_EVENT_SOURCE,
    },
    attemptMs: values.INGEST_SECONDS * 1_000,
  };
}

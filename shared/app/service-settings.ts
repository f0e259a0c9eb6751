import { placeSettings } from '../core/loops.ts';
import { endpoint, integer, oneOf, required, type ValuesOf } from '../core/settings.ts';
import { DEFAULT_LIMITS, type PublishLimits } from '../events/publish-limits.ts';
import { MAX_SLOTS } from '../records/slots.ts';

/** Where an instance finds the services it uses: the same for every function. */
export const serviceSettings = {
  ...placeSettings,
  STATE_BUCKET: required(placeSettings.STATE_BUCKET),
  STORAGE_API_ENDPOINT: endpoint({ form: 'url', doc: 'base URL in place of Cloud Storage' }),
  PUBSUB_API_ENDPOINT: endpoint({ form: 'url', doc: 'base URL in place of Pub/Sub' }),
  LOG_LEVEL: oneOf(['info', 'debug'], { default: 'info', doc: '`debug` logs each step' }),
  MAX_HOPS: integer({
    min: 1,
    max: 1_000,
    default: DEFAULT_LIMITS.maxHops,
    doc: 'functions that may answer one another with events, one after the other; above that it is a loop',
  }),
  MAX_EVENTS_PER_CORRELATION: integer({
    min: 1,
    max: MAX_SLOTS,
    default: DEFAULT_LIMITS.maxEventsPerCorrelation,
    doc: 'events of one type that functions may publish for one correlation id',
  }),
};

export interface ServiceConfig {
  project: string | undefined;
  stateBucket: string;
  /** Undefined keeps refused events as records in the state bucket. */
  deadLetterTopic: string | undefined;
  /** Undefined outside local runs, like the next one. */
  storageEndpoint: string | undefined;
  pubsubEndpoint: string | undefined;
  debug: boolean;
  /** Of what its functions publish. */
  limits: PublishLimits;
}

export function serviceConfig(values: ValuesOf<typeof serviceSettings>): ServiceConfig {
  return {
    project: values.GOOGLE_CLOUD_PROJECT,
    stateBucket: values.STATE_BUCKET,
    deadLetterTopic: values.DEAD_LETTER_TOPIC,
    storageEndpoint: values.STORAGE_API_ENDPOINT,
    pubsubEndpoint: values.PUBSUB_API_ENDPOINT,
    debug: values.LOG_LEVEL === 'debug',
    limits: { maxHops: values.MAX_HOPS, maxEventsPerCorrelation: values.MAX_EVENTS_PER_CORRELATION },
  };
}

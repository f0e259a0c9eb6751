import { placeSettings } from '../core/loops.ts';
import { endpoint, oneOf, required, type ValuesOf } from '../core/settings.ts';

/** Where an instance finds the services it uses: the same for every function. */
export const serviceSettings = {
  ...placeSettings,
  STATE_BUCKET: required(placeSettings.STATE_BUCKET),
  STORAGE_API_ENDPOINT: endpoint({ form: 'url', doc: 'base URL in place of Cloud Storage' }),
  PUBSUB_API_ENDPOINT: endpoint({ form: 'url', doc: 'base URL in place of Pub/Sub' }),
  LOG_LEVEL: oneOf(['info', 'debug'], { default: 'info', doc: '`debug` logs each step' }),
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
}

export function serviceConfig(values: ValuesOf<typeof serviceSettings>): ServiceConfig {
  return {
    project: values.GOOGLE_CLOUD_PROJECT,
    stateBucket: values.STATE_BUCKET,
    deadLetterTopic: values.DEAD_LETTER_TOPIC,
    storageEndpoint: values.STORAGE_API_ENDPOINT,
    pubsubEndpoint: values.PUBSUB_API_ENDPOINT,
    debug: values.LOG_LEVEL === 'debug',
  };
}

import { type LakeConfig, readLakeConfig } from '../../shared/lake/lake-config.ts';
import { type Env, EnvReader } from '../../shared/runtime/config.ts';
import { refuseLoops } from '../../shared/runtime/loops.ts';
import type { ReadOptions } from './read-events.ts';

export interface IngestConfig extends LakeConfig {
  project: string | undefined;
  stateBucket: string;
  /** Where refused messages go; without it they are kept as records in the state bucket. */
  deadLetterTopic: string | undefined;
  /** What becomes of events whose type has no schema. */
  unknownTypes: 'accept' | 'refuse';
  read: ReadOptions;
  storageEndpoint: string | undefined;
  pubsubEndpoint: string | undefined;
  /** Time one attempt has, below the function's own timeout. */
  attemptMs: number;
  /** Time one run of the maintenance has. */
  maintenanceMs: number;
  debug: boolean;
}

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseIngestConfig(env: Env): IngestConfig {
  const read = new EnvReader(env);
  refuseLoops(read);
  const config: IngestConfig = {
    project: read.optional('GOOGLE_CLOUD_PROJECT'),
    ...readLakeConfig(read),
    stateBucket: read.required('STATE_BUCKET'),
    deadLetterTopic: read.topic('DEAD_LETTER_TOPIC'),
    unknownTypes: read.oneOf('UNKNOWN_TYPES', ['accept', 'refuse'], 'accept'),
    read: {
      maxBytes: read.integer('MAX_EVENT_BYTES', 1024 * 1024, { min: 1, max: 10_000_000 }),
      maxDepth: read.integer('MAX_EVENT_DEPTH', 64, { min: 1, max: 1_000 }),
      maxBatch: read.integer('MAX_BATCH_EVENTS', 10_000, { min: 1, max: 100_000 }),
      defaultType: read.string('DEFAULT_EVENT_TYPE', 'json'),
      defaultSource: read.string('DEFAULT_EVENT_SOURCE', '//pubsub.googleapis.com'),
    },
    storageEndpoint: read.optional('STORAGE_API_ENDPOINT'),
    pubsubEndpoint: read.optional('PUBSUB_API_ENDPOINT'),
    attemptMs: read.number('INGEST_SECONDS', 50, { min: 0.1, max: 3_500 }) * 1_000,
    maintenanceMs: read.integer('MAINTENANCE_SECONDS', 480, { min: 1, max: 3_500 }) * 1_000,
    debug: read.oneOf('LOG_LEVEL', ['info', 'debug'], 'info') === 'debug',
  };
  read.finish();
  return config;
}

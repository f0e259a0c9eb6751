import { type Env, EnvReader } from '../../shared/runtime/config.ts';
import { refuseLoops } from '../../shared/runtime/loops.ts';
import type { ReadOptions } from './read-events.ts';

export interface IngestConfig {
  project: string | undefined;
  lakeBucket: string;
  /** Folder of the table in that bucket. */
  lakePath: string;
  /** Folder of the dead letters' table, which is maintained as well. */
  deadLettersPath: string;
  stateBucket: string;
  /** Where refused messages go; without it they are kept as records in the state bucket. */
  deadLetterTopic: string | undefined;
  /** What becomes of events whose type has no schema. */
  unknownTypes: 'accept' | 'refuse';
  read: ReadOptions;
  /** A commit is made when any of these is reached. */
  flush: { rows: number; bytes: number; ms: number };
  /** A checkpoint is written about every so many commits. */
  checkpointCommits: number;
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
    lakeBucket: read.required('LAKE_BUCKET'),
    lakePath: read.string('LAKE_PATH', 'events'),
    deadLettersPath: read.string('DEAD_LETTERS_PATH', 'dead-letters'),
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
    flush: {
      rows: read.integer('FLUSH_ROWS', 5_000, { min: 1, max: 100_000 }),
      bytes: read.integer('FLUSH_BYTES', 8 * 1024 * 1024, { min: 1, max: 256 * 1024 * 1024 }),
      ms: read.integer('FLUSH_MS', 25, { min: 0, max: 10_000 }),
    },
    checkpointCommits: read.integer('CHECKPOINT_COMMITS', 50, { min: 1, max: 100_000 }),
    storageEndpoint: read.optional('STORAGE_API_ENDPOINT'),
    pubsubEndpoint: read.optional('PUBSUB_API_ENDPOINT'),
    attemptMs: read.number('INGEST_SECONDS', 50, { min: 0.1, max: 3_500 }) * 1_000,
    maintenanceMs: read.integer('MAINTENANCE_SECONDS', 480, { min: 1, max: 3_500 }) * 1_000,
    debug: read.oneOf('LOG_LEVEL', ['info', 'debug'], 'info') === 'debug',
  };
  if (config.lakePath === config.deadLettersPath) {
    read.mistake(
      `LAKE_PATH and DEAD_LETTERS_PATH are both ${JSON.stringify(config.lakePath)}; they must differ`,
    );
  }
  read.finish();
  return config;
}

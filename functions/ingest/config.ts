import { type Env, EnvReader } from '../../shared/core/config.ts';
import { refuseLoops } from '../../shared/core/loops.ts';
import type { ReadOptions } from '../../shared/events/read-events.ts';
import { readServiceConfig, type ServiceConfig } from '../../shared/invocation/services.ts';
import { type LakeConfig, readLakeConfig } from '../../shared/lake/lake-config.ts';

export interface IngestConfig extends LakeConfig, ServiceConfig {
  /** What becomes of events whose type has no schema. */
  unknownTypes: 'accept' | 'refuse';
  read: ReadOptions;
  /** Time one attempt has, below the function's own timeout. */
  attemptMs: number;
}

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseIngestConfig(env: Env): IngestConfig {
  const read = new EnvReader(env);
  refuseLoops(read);
  const config: IngestConfig = {
    ...readServiceConfig(read),
    ...readLakeConfig(read),
    unknownTypes: read.oneOf('UNKNOWN_TYPES', ['accept', 'refuse'], 'accept'),
    read: {
      maxBytes: read.integer('MAX_EVENT_BYTES', 1024 * 1024, { min: 1, max: 10_000_000 }),
      maxDepth: read.integer('MAX_EVENT_DEPTH', 64, { min: 1, max: 1_000 }),
      maxBatch: read.integer('MAX_BATCH_EVENTS', 10_000, { min: 1, max: 100_000 }),
      defaultType: read.string('DEFAULT_EVENT_TYPE', 'json'),
      defaultSource: read.string('DEFAULT_EVENT_SOURCE', '//pubsub.googleapis.com'),
    },
    attemptMs: read.number('INGEST_SECONDS', 50, { min: 0.1, max: 3_500 }) * 1_000,
  };
  read.finish();
  return config;
}

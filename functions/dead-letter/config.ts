import { type Env, EnvReader } from '../../shared/core/config.ts';
import { refuseLoops } from '../../shared/core/loops.ts';
import { type LakeConfig, readLakeConfig } from '../../shared/lake/lake-config.ts';

export interface DeadLetterConfig extends LakeConfig {
  project: string | undefined;
  stateBucket: string;
  storageEndpoint: string | undefined;
  /** Time one attempt has, below the function's own timeout. */
  attemptMs: number;
  /** Letters an hour that an instance tells in full; the others are recorded and counted. */
  inFull: { perGroup: number; perHour: number };
  debug: boolean;
}

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseDeadLetterConfig(env: Env): DeadLetterConfig {
  const read = new EnvReader(env);
  // What is not inspected is kept for a week; what is inspected into a loop never ends.
  refuseLoops(read);
  const config: DeadLetterConfig = {
    project: read.optional('GOOGLE_CLOUD_PROJECT'),
    stateBucket: read.required('STATE_BUCKET'),
    ...readLakeConfig(read),
    storageEndpoint: read.optional('STORAGE_API_ENDPOINT'),
    attemptMs: read.number('INSPECT_SECONDS', 100, { min: 0.1, max: 3_500 }) * 1_000,
    inFull: {
      perGroup: read.integer('INSPECT_FULL_PER_GROUP', 100, { min: 1, max: 1_000_000 }),
      perHour: read.integer('INSPECT_FULL_PER_HOUR', 1_000, { min: 1, max: 1_000_000 }),
    },
    debug: read.oneOf('LOG_LEVEL', ['info', 'debug'], 'info') === 'debug',
  };
  read.finish();
  return config;
}

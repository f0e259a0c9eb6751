import { type Env, EnvReader } from '../../shared/runtime/config.ts';
import { refuseLoops } from '../../shared/runtime/loops.ts';

export interface DeadLetterConfig {
  project: string | undefined;
  stateBucket: string;
  /** Where manifests tell that an upload was settled after all; without it that is not looked at. */
  framesBucket: string | undefined;
  lakeBucket: string;
  /** Folders of the tables of events and of dead letters. */
  lakePath: string;
  deadLettersPath: string;
  /** A commit is made when any of these is reached. */
  flush: { rows: number; bytes: number; ms: number };
  checkpointCommits: number;
  storageEndpoint: string | undefined;
  /** Time one attempt has, below the function's own timeout. */
  attemptMs: number;
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
    framesBucket: read.optional('FRAMES_BUCKET'),
    lakeBucket: read.required('LAKE_BUCKET'),
    lakePath: read.string('LAKE_PATH', 'events'),
    deadLettersPath: read.string('DEAD_LETTERS_PATH', 'dead-letters'),
    flush: {
      rows: read.integer('FLUSH_ROWS', 5_000, { min: 1, max: 100_000 }),
      bytes: read.integer('FLUSH_BYTES', 8 * 1024 * 1024, { min: 1, max: 256 * 1024 * 1024 }),
      ms: read.integer('FLUSH_MS', 25, { min: 0, max: 10_000 }),
    },
    checkpointCommits: read.integer('CHECKPOINT_COMMITS', 50, { min: 1, max: 100_000 }),
    storageEndpoint: read.optional('STORAGE_API_ENDPOINT'),
    attemptMs: read.number('INSPECT_SECONDS', 100, { min: 0.1, max: 3_500 }) * 1_000,
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

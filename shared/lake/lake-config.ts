import type { EnvReader } from '../runtime/config.ts';

/** Column of the events table that holds each event's identity once: SHA-256 in 64 hex digits. */
export const EVENT_ID = 'event_id';

/** Where the tables are, and how they are written to: the same for every function that has to do with them. */
export interface LakeConfig {
  lakeBucket: string;
  /** Folders in that bucket: of the events' table, and of the dead letters'. */
  lakePath: string;
  deadLettersPath: string;
  /** A commit is made when any of these is reached. */
  flush: { rows: number; bytes: number; ms: number };
  /** A checkpoint is written about every so many commits. */
  checkpointCommits: number;
}

export function readLakeConfig(read: EnvReader): LakeConfig {
  const config: LakeConfig = {
    lakeBucket: read.required('LAKE_BUCKET'),
    lakePath: read.string('LAKE_PATH', 'events'),
    deadLettersPath: read.string('DEAD_LETTERS_PATH', 'dead-letters'),
    flush: {
      rows: read.integer('FLUSH_ROWS', 5_000, { min: 1, max: 100_000 }),
      bytes: read.integer('FLUSH_BYTES', 8 * 1024 * 1024, { min: 1, max: 256 * 1024 * 1024 }),
      ms: read.integer('FLUSH_MS', 25, { min: 0, max: 10_000 }),
    },
    checkpointCommits: read.integer('CHECKPOINT_COMMITS', 50, { min: 1, max: 100_000 }),
  };
  if (config.lakePath === config.deadLettersPath) {
    read.mistake(
      `LAKE_PATH and DEAD_LETTERS_PATH are both ${JSON.stringify(config.lakePath)}; they must differ`,
    );
  }
  return config;
}

import type { EnvReader } from '../core/config.ts';

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
    lakePath: folder(read, 'LAKE_PATH', 'events'),
    deadLettersPath: folder(read, 'DEAD_LETTERS_PATH', 'dead-letters'),
    flush: {
      rows: read.integer('FLUSH_ROWS', 5_000, { min: 1, max: 100_000 }),
      bytes: read.integer('FLUSH_BYTES', 8 * 1024 * 1024, { min: 1, max: 256 * 1024 * 1024 }),
      ms: read.integer('FLUSH_MS', 25, { min: 0, max: 10_000 }),
    },
    checkpointCommits: read.integer('CHECKPOINT_COMMITS', 50, { min: 1, max: 100_000 }),
  };
  const [outer, inner] = [config.lakePath, config.deadLettersPath].sort((a, b) => a.length - b.length) as [
    string,
    string,
  ];
  // vacuum deletes whatever is old in a table's folder and no part of that table
  if (`${inner}/`.startsWith(`${outer}/`)) {
    read.mistake(
      `LAKE_PATH is ${JSON.stringify(config.lakePath)} and DEAD_LETTERS_PATH is ${JSON.stringify(config.deadLettersPath)}; neither table may be in the other's folder`,
    );
  }
  return config;
}

/** A folder of a bucket, without slashes around it: never the bucket itself. */
function folder(read: EnvReader, name: string, fallback: string): string {
  const text = read.string(name, fallback);
  const path = text.replace(/^\/+|\/+$/g, '');
  if (!path.split('/').some((part) => part === '' || part === '.' || part === '..')) return path;
  read.mistake(`${name} must be a folder such as events or lake/events, got ${JSON.stringify(text)}`);
  return fallback;
}

import { placeSettings } from '../core/place-settings.ts';
import { folder, integer, required, type ValuesOf } from '../core/settings.ts';

/** Unique id column of the events table: each event's SHA-256 identity in 64 hex digits. */
export const EVENT_ID = 'event_id';

/** Location and write settings of the tables: the same for every function that reads or writes them. */
export const lakeSettings = {
  LAKE_BUCKET: required(placeSettings.LAKE_BUCKET),
  LAKE_PATH: folder({ default: 'events', doc: 'folder of the events table' }),
  DEAD_LETTERS_PATH: folder({
    default: 'dead-letters',
    doc: 'folder of the dead-letters table; neither of the two may contain the other',
  }),
  FLUSH_ROWS: integer({
    min: 1,
    max: 100_000,
    default: 5_000,
    doc: 'maximum number of rows that wait for a commit',
  }),
  FLUSH_BYTES: integer({
    min: 1,
    max: 256 * 1024 * 1024,
    default: 8 * 1024 * 1024,
    doc: 'maximum number of bytes that wait for a commit',
  }),
  FLUSH_MS: integer({
    min: 0,
    max: 10_000,
    default: 25,
    doc: 'how long, in milliseconds, the first row waits for others',
  }),
  CHECKPOINT_COMMITS: integer({
    min: 1,
    max: 100_000,
    default: 50,
    doc: 'commits between two checkpoints, approximately',
  }),
};

type LakeValues = ValuesOf<typeof lakeSettings>;

/** Folder of the lake bucket that holds the tables of apps, each in a folder of its name. */
export const APP_TABLES = 'tables';

export interface LakeConfig {
  lakeBucket: string;
  /** Folders in that bucket: the events table and the dead-letters table. */
  lakePath: string;
  deadLettersPath: string;
  /** Commits as soon as one of these is reached. */
  flush: { rows: number; bytes: number; ms: number };
  checkpointCommits: number;
}

export function lakeConfig(values: LakeValues): LakeConfig {
  return {
    lakeBucket: values.LAKE_BUCKET,
    lakePath: values.LAKE_PATH,
    deadLettersPath: values.DEAD_LETTERS_PATH,
    flush: { rows: values.FLUSH_ROWS, bytes: values.FLUSH_BYTES, ms: values.FLUSH_MS },
    checkpointCommits: values.CHECKPOINT_COMMITS,
  };
}

/** Vacuum deletes every old file in a table's folder that does not belong to that table. */
export function lakeMistakes({
  LAKE_PATH: events,
  DEAD_LETTERS_PATH: letters,
}: Partial<LakeValues>): string[] {
  const reserved = Object.entries({ LAKE_PATH: events, DEAD_LETTERS_PATH: letters })
    .filter(([, path]) => `${path}/`.startsWith(`${APP_TABLES}/`))
    .map(
      ([name, path]) =>
        `${name} must be outside of ${APP_TABLES}/, where apps have their own tables, got ${JSON.stringify(path)}`,
    );
  if (events === undefined || letters === undefined) return reserved;
  const isApart = !`${letters}/`.startsWith(`${events}/`) && !`${events}/`.startsWith(`${letters}/`);
  if (isApart) return reserved;
  return [
    ...reserved,
    `LAKE_PATH and DEAD_LETTERS_PATH must be folders of which neither contains the other, got ${JSON.stringify(events)} and ${JSON.stringify(letters)}`,
  ];
}

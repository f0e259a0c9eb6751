import type { LetterGroup } from '../cli/dlq/groups.ts';
import type { Manifest } from '../functions/video/manifest.ts';
import type { LetterSummary } from '../shared/dead-letters/records.ts';

/** Shapes of the JSON between the console's server and its page. */

export type { LetterGroup };

/** What an answer took: requests to storage, and bytes in bodies. */
export interface Read {
  requests: number;
  bytes: number;
}

/** An uploaded object. */
export interface UploadKey {
  bucket: string;
  name: string;
  generation: string;
}

export interface UploadCard extends UploadKey {
  /** RFC 3339. */
  at: string;
  /** `processing`: some results, and no manifest yet; `waiting`: no result. */
  outcome: Manifest['outcome'] | 'damaged' | 'processing' | 'waiting';
  /** Number of further questions. */
  questions: number;
  question?: string;
  /** Time of the first moment in the video. */
  seconds?: number;
  moments?: number;
  reason?: string;
  image?: UploadKey;
}

export interface UploadsAnswer {
  uploads: UploadCard[];
  /**
   * `newest`: all were listed and sorted. `outcome`: too many for that, so the latest outcomes, as the table of events
   * has them. `name`: too many, and no table.
   */
  order: 'newest' | 'outcome' | 'name';
  /** Objects listed. */
  looked: number;
  /** Cursor of the next page; undefined at the end. */
  next?: string | undefined;
  read: Read;
}

export interface UploadResult {
  /** Name of the manifest's object. */
  name: string;
  manifest?: Manifest;
  problem?: string;
}

export interface UploadAnswer extends UploadKey {
  /** Undefined if the video was deleted. */
  video?: { size: number; contentType: string };
  uploadedAt?: string;
  framesBucket: string;
  results: UploadResult[];
  objects: { name: string; generation: string; size: number; contentType: string }[];
  /** Failed attempts. */
  failures: number;
  isBusy: boolean;
  correlationIds: string[];
}

export interface GroupsAnswer {
  total: { letters: number; groups: number };
  groups: LetterGroup[];
  read: Read;
}

export interface LettersAnswer {
  total: { letters: number };
  /** Undefined if there are no letters. */
  cause?: Pick<LetterSummary, 'function' | 'code' | 'pattern'>;
  letters: Pick<LetterSummary, 'letter' | 'status' | 'concern' | 'lastDiedAt' | 'correlationId'>[];
  read: Read;
}

/** What was counted towards the limits of this UTC day. */
export interface BudgetAnswer {
  /** `2026-11-21`. */
  day: string;
  videos: number;
  geminiCalls: number;
  /** True if there are more of one than were listed. */
  isMore: boolean;
  read: Read;
}

/** As `dlq show --json` prints it. */
export interface LetterAnswer extends Omit<LetterSummary, 'replays'> {
  state: string;
  advice: string;
  payload: { bytes: number; base64: string };
  replays: { key: string; status: string; at: string }[];
  entries: LetterEntryAnswer[];
  unreadDeaths: number;
}

export type LetterEntryAnswer = { kind: string; writtenAt: string } & Partial<{
  message: string;
  code: string;
  way: string;
  key: string;
  topic: string;
  reason: string;
  by: string;
  diedAt: string;
  attemptCount: number;
  attempts: { attempt: number; at: string; code: string; message: string; stack: string }[];
  letterMessage: { attributes: Record<string, string>; form: string };
}>;

/** As `dlq replay --json` prints it. */
export interface ReplayAnswer {
  dryRun: boolean;
  wanted: string[];
  published: string[];
  left: { letter: string; concern: string; kind: string; reason: string }[];
  outcomes?: { resolved: string[]; failedAgain: string[]; pending: string[]; dropped: string[] };
}

/** A row of the table: timestamps as text, other values as they are. */
export type EventRow = Record<string, unknown>;

export interface EventsAnswer {
  rows: EventRow[];
  /** Null if there is no table yet. */
  version: number | null;
  /** With the bytes of the whole table. */
  read: Read & { of: number };
  next?: string | undefined;
}

/** As `lake search --json` prints it. */
export interface SearchAnswer extends Omit<EventsAnswer, 'version'> {
  version: number;
  /** Rows searched for this answer, and rows of the table. */
  searched: number;
  of: number;
}

export interface TraceAnswer {
  /** In the order of their times. */
  events: EventRow[];
  letters: LetterSummary[];
}

/** As `lake info --format json` prints it. */
export interface TableAnswer {
  table: string;
  version: number;
  rows: number | null;
  files: number;
  bytes: number;
  oldestCommit: number | null;
  schema: { name: string; type: unknown; comment: string | null }[];
}

/** As `lake history --format json` prints it. */
export interface CommitAnswer {
  version: number;
  time: string;
  operation: string | null;
  rowsAdded: number | null;
  rowsRemoved: number | null;
  filesAdded: number;
  filesRemoved: number;
}

export interface FunctionSetting {
  name: string;
  doc: string;
  setBy: 'operator' | 'deployment' | 'local runs';
  /** `unknown`: nobody says how a deployed function runs; the value is the default. `nothing`: it has none. */
  from: 'given' | 'default' | 'nothing' | 'unknown';
  value?: string;
}

export interface SettingsAnswer {
  settings: FunctionSetting[];
}

export interface AppFunction {
  name: string;
  trigger: string;
  kind: string;
  /** Keys of buckets and topics that fire it. */
  from: string[];
  /** Keys of buckets and topics that it may write. */
  to: string[];
  memory: string;
  cpu: number;
  concurrency: number;
  timeoutSeconds: number;
  maxInstances: number;
  /** Before its events become dead letters; undefined if nothing is redelivered. */
  deliveries: number | undefined;
  roles: { role: string; on: string; reason: string }[];
  /** Names alone. */
  secrets: string[];
  /** The option that asks for it; undefined if it always runs. */
  option?: string;
  /** Undefined if unknown, as for a deployed app. */
  isRunning?: boolean;
  /** Local only: where an HTTP function listens. */
  url?: string;
  /** When the schedule fires, in UTC. */
  cron?: string;
  /** RFC 3339. */
  nextTick?: string;
  /** Local only: messages waiting, and being delivered. */
  backlog?: number;
  outstanding?: number;
  /** When the oldest of them was published, RFC 3339. */
  oldest?: string;
}

export interface AppAnswer {
  name: string;
  where: string;
  isLocal: boolean;
  /** True if the app processes videos. */
  hasVideo: boolean;
  buckets: { key: string; doc: string }[];
  /** `isTaken`: a function of this app is fired by it; messages of the others are for other subscribers. */
  topics: { key: string; doc: string; isTaken: boolean }[];
  functions: AppFunction[];
}

export interface ProblemAnswer {
  problem: string;
}

/** What the local cloud does, as it happens. */
export type FeedEvent =
  | { kind: 'tick' }
  | { kind: 'object'; bucket: string; name: string }
  | { kind: 'stage'; name: string; text: string }
  | { kind: 'attempt'; function: string; isGood: boolean }
  | { kind: 'letter' };

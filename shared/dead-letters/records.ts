import type { FailureRecord } from '../records/failures.ts';

/**
 * What is kept of a dead letter, in the state bucket: `dead-letters/<letter>/<kind>-<key>.json`, each object
 * written once. A letter is one event that one function could not settle; what happened to it is told by its
 * entries, and its status follows from them. Each entry's custom metadata says enough for a listing alone to
 * show every letter and count every group: nothing is counted in a place of its own that could drift.
 */
export const PREFIX = 'dead-letters/';

/** `refused`: the function published it. `given-up`: Pub/Sub forwarded it. `unknown`: neither can be told. */
export type Disposition = 'refused' | 'given-up' | 'unknown';

export type LetterStatus = 'open' | 'replayed' | 'resolved' | 'failed-again' | 'discarded';

/** The object of a storage event. */
export interface SubjectObject {
  kind: 'object';
  bucket: string;
  name: string;
  /** Decimal string. */
  generation: string;
}

/** The event of a message. */
export interface SubjectEvent {
  kind: 'event';
  /** Undefined for plain JSON. */
  id: string | undefined;
  type: string | undefined;
  source: string | undefined;
}

/**
 * How it stood when it was looked at. `exists`: the object at its generation, or the event as such. `newer`,
 * `gone`: of objects. `succeeded`: its manifest or its row is there. `unknown`: it could not be told.
 */
export type SubjectState = 'exists' | 'newer' | 'gone' | 'succeeded' | 'unknown';

/** One failed attempt, from the failure history. */
export type Attempt = Omit<FailureRecord, 'schemaVersion' | 'function' | 'eventId'>;

/** One arrival on the dead-letter topic. */
export interface DeathRecord {
  schemaVersion: 1;
  kind: 'death';
  /** 32 hex digits, of function and event id. */
  letter: string;
  /** 16 hex digits: the same for every duplicate of this death. */
  key: string;
  /** `unknown` where it cannot be told. */
  function: string;
  way: Disposition;
  /** Of the last failed attempt, or the refusal; `unknown` where nothing says. */
  code: string;
  message: string;
  /** 12 hex digits, of function, code and normalized message. */
  group: string;
  /** The message without numbers, ids and paths. */
  pattern: string;
  /** 64 hex digits. */
  eventId: string;
  correlationId: string | undefined;
  /** Short name of the subscription that gave up. */
  subscription: string | undefined;
  /** Deliveries, where Pub/Sub told; else the attempts known to have failed. */
  deliveries: number | undefined;
  /** Oldest first, at most 20: the first ones and the last ones. */
  attempts: Attempt[];
  /** How many there were. */
  attemptCount: number;
  /** RFC 3339. */
  firstFailureAt: string | undefined;
  lastFailureAt: string | undefined;
  concern: SubjectObject | SubjectEvent | undefined;
  concernState: SubjectState;
  /**
   * One of a storm: its history and state were not looked up beyond its last failure, and neither a row nor a line
   * of its own tells of it.
   */
  brief?: true;
  /** The replay that it came back from. */
  replay: string | undefined;
  /** When it reached the dead-letter topic, and when it was looked at. RFC 3339. */
  diedAt: string;
  inspectedAt: string;
  /** The message that carried it. */
  letterMessage: DeadMessage;
}

/** The dead letter's message as it came, byte for byte. */
export interface DeadMessage {
  messageId: string | undefined;
  publishTime: string | undefined;
  orderingKey: string | undefined;
  attributes: Readonly<Record<string, string>>;
  /** Base64. */
  data: string;
  /** Of the data. */
  bytes: number;
  /**
   * `message`: data and attributes are those of the original message, with ours beside them. `envelope`: the
   * data is the JSON of what the function was handed. `raw`: what came was no Pub/Sub message; the data is its
   * JSON.
   */
  form: 'message' | 'envelope' | 'raw';
}

/** Written before a replay is published: a function believes a mark only if this is there. Says nothing of success. */
export interface SendingRecord {
  schemaVersion: 1;
  kind: 'sending';
  letter: string;
  /** Of the command that replays: one a letter and command. */
  key: string;
  topic: string;
  at: string;
}

/** Published again to the failed function alone; written when the publish is confirmed. */
export interface ReplayRecord {
  schemaVersion: 1;
  kind: 'replay';
  letter: string;
  /** Of the command that replayed: one a letter and command. */
  key: string;
  topic: string;
  messageId: string;
  at: string;
}

/** Its event has been settled since: by a replay (key is the replay's), or without one (key is a death's). */
export interface ResolvedRecord {
  schemaVersion: 1;
  kind: 'resolved';
  letter: string;
  key: string;
  /** Name of the function that settled it, or who found it settled. */
  by: string;
  at: string;
}

/** Somebody decided that it is not to be replayed. */
export interface DiscardRecord {
  schemaVersion: 1;
  kind: 'discard';
  letter: string;
  key: string;
  reason: string;
  by: string;
  at: string;
}

export type LetterEntry = DeathRecord | SendingRecord | ReplayRecord | ResolvedRecord | DiscardRecord;

/** What a listing tells of a letter. */
export interface LetterSummary {
  letter: string;
  status: LetterStatus;
  function: string;
  way: Disposition;
  code: string;
  group: string;
  pattern: string;
  eventId: string;
  correlationId: string | undefined;
  /** What it is about, in a few words: `gs://…` or a type. */
  concern: string;
  /** How often it died. */
  deaths: number;
  replays: number;
  /** RFC 3339. */
  firstDiedAt: string;
  lastDiedAt: string;
  /** Of the last death's entry, as it is stored. */
  bytes: number;
}

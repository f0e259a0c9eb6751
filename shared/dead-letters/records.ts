import type { FailureRecord } from '../records/failures.ts';

/**
 * What is stored of a dead letter, in the state bucket: `dead-letters/<letter>/<kind>-<key>.json`, each object
 * written once. A letter is one event that one function could not settle; its entries are its history, and its
 * status is derived from them. The custom metadata of the entries is enough for a listing to show every letter and
 * count every group: a separate count could drift.
 */
export const PREFIX = 'dead-letters/';

/** `refused`: the function published it. `given-up`: Pub/Sub forwarded it. `unknown`: neither is certain. */
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
 * State of the subject when it was inspected. `exists`: the object at its generation, or the event as such.
 * `newer`, `gone`: for objects only. `succeeded`: its manifest or its row exists. `unknown`: could not be
 * determined.
 */
export type SubjectState = 'exists' | 'newer' | 'gone' | 'succeeded' | 'unknown';

/** One failed attempt, from the failure history. */
export type Attempt = Omit<FailureRecord, 'schemaVersion' | 'function' | 'eventId' | 'correlationId'>;

/** One arrival on the dead-letter topic. */
export interface DeathRecord {
  schemaVersion: 1;
  kind: 'death';
  /** 32 hex digits, derived from function and event id. */
  letter: string;
  /** 16 hex digits: the same for every duplicate of this death. */
  key: string;
  /** `unknown` if it cannot be determined. */
  function: string;
  way: Disposition;
  /** Code of the last failed attempt, or of the refusal; `unknown` if nothing states it. */
  code: string;
  message: string;
  /** 12 hex digits, derived from function, code and normalized message. */
  group: string;
  /** The message without numbers, ids and paths. */
  pattern: string;
  /** 64 hex digits. */
  eventId: string;
  correlationId: string | undefined;
  /** Short name of the subscription that gave up. */
  subscription: string | undefined;
  /** Deliveries, if Pub/Sub reported them; else the number of recorded failed attempts. */
  deliveries: number | undefined;
  /** At most 20, oldest first: the first and the last ones. */
  attempts: Attempt[];
  /** Total number of recorded failed attempts. */
  attemptCount: number;
  /** RFC 3339. */
  firstFailureAt: string | undefined;
  lastFailureAt: string | undefined;
  concern: SubjectObject | SubjectEvent | undefined;
  concernState: SubjectState;
  /**
   * Set in a storm: nothing was looked up beyond its last failure, and it has neither a table row nor a log line of
   * its own.
   */
  brief?: true;
  /** Key of the replay that died. */
  replay: string | undefined;
  /** When it reached the dead-letter topic, and when it was inspected. RFC 3339. */
  diedAt: string;
  inspectedAt: string;
  /** The message that carried it. */
  letterMessage: DeadMessage;
}

/** The dead letter's message as received, byte for byte. */
export interface DeadMessage {
  messageId: string | undefined;
  publishTime: string | undefined;
  orderingKey: string | undefined;
  attributes: Readonly<Record<string, string>>;
  /** Base64. */
  data: string;
  /** Size of the data. */
  bytes: number;
  /**
   * `message`: data and attributes are the original message's, plus our attributes. `envelope`: the data is the
   * JSON of the function's input. `raw`: the input was no Pub/Sub message; the data is its JSON.
   */
  form: 'message' | 'envelope' | 'raw';
}

/** Written before a replay is published: a function believes a mark only if this exists. Says nothing of success. */
export interface SendingRecord {
  schemaVersion: 1;
  kind: 'sending';
  letter: string;
  /** Key of the command that replays: one per letter and command. */
  key: string;
  topic: string;
  at: string;
}

/** Published again to the failed function only; written when the publish is confirmed. */
export interface ReplayRecord {
  schemaVersion: 1;
  kind: 'replay';
  letter: string;
  /** Key of the command that replayed: one per letter and command. */
  key: string;
  topic: string;
  messageId: string;
  at: string;
}

/** The event has been settled since: by a replay (key is the replay's), or without one (key is a death's). */
export interface ResolvedRecord {
  schemaVersion: 1;
  kind: 'resolved';
  letter: string;
  key: string;
  /** Name of the function that settled it, or that found it settled. */
  by: string;
  at: string;
}

/** An operator decided not to replay it. */
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

/** What a listing shows of a letter. */
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
  /** Short description of the subject: `gs://…` or a type. */
  concern: string;
  /** Number of deaths. */
  deaths: number;
  replays: number;
  /** RFC 3339. */
  firstDiedAt: string;
  lastDiedAt: string;
  /** Stored size of the last death's entry. */
  bytes: number;
}

import type { FailureRecord } from '../shared/records/failures.ts';

/** Shapes of the JSON about functions, and of what can be done with those of a local cloud. */

export interface FunctionErrors {
  /** Latest first. */
  attempts: Pick<
    FailureRecord,
    'attempt' | 'at' | 'code' | 'message' | 'stack' | 'eventId' | 'correlationId'
  >[];
  /** Records that were looked at. */
  looked: number;
  /** False if there are more than are looked at. */
  isWhole: boolean;
}

export interface EventForm {
  type: string;
  version: string;
  schema: Record<string, unknown>;
  /** Topic of the functions that take the type by name, or the topic of events. */
  topic: string;
  /** Data that one of the app's contracts says a consumer accepts. */
  example?: unknown;
}

export interface FormsAnswer {
  /** By type, then by version. */
  forms: EventForm[];
  /** Topics that events may be published to. */
  topics: { key: string; doc: string; orders: boolean }[];
}

export interface EventDraft {
  topic: string;
  type: string;
  /** Undefined for a type without a schema. */
  version?: string;
  source: string;
  subject?: string;
  correlationId?: string;
  orderingKey?: string;
  data: unknown;
  /** Says what would be published and what is wrong with it, and publishes nothing. */
  dryRun: boolean;
  /** Publishes it although its data violates the schema. */
  isWrong?: boolean;
}

export interface DraftProblem {
  /** JSON Pointer of the field. */
  pointer: string;
  message: string;
}

export interface PublishAnswer {
  problems: DraftProblem[];
  /** Names of the functions whose subscriptions take it. */
  takers: string[];
  /** The CloudEvent; its id and time are new in each answer. */
  event: Record<string, unknown>;
  /** Undefined if nothing was published. */
  messageId?: string;
}

export type FaultService = 'storage' | 'pubsub' | 'model';

export interface SwitchedFault {
  service: FaultService;
  /** Undefined for the model, which has one plan. */
  id?: number;
  /** `503 for every write in bucket lake`. */
  what: string;
  /** Requests it has met; undefined if nobody counts. */
  met?: number;
  /** Requests that it still affects; undefined for no end. */
  left?: number;
}

export interface FaultsAnswer {
  services: {
    service: FaultService;
    /** Kinds of request that a fault can be limited to. */
    operations: readonly string[];
    kinds: readonly string[];
  }[];
  faults: SwitchedFault[];
}

export interface FaultDraft {
  service: FaultService;
  /** Such as `status` or, for the model, `429`. */
  kind: string;
  /** Status, or delay in ms, if the kind needs a number. */
  number?: number;
  operation?: string;
  bucket?: string;
  name?: string;
  /** Undefined for no end. */
  times?: number;
}

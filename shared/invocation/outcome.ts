import type { LogFields, Logger } from '../core/log.ts';

/**
 * What became of an event, as its handler returns it. The one log entry of the event is written from it, and
 * log-based metrics are made from that entry: nothing else counts outcomes.
 */
export interface Outcome {
  /** One of a few fixed words, such as `stored`: the label `status` of `events_consumed_total`. */
  status: string;
  /** Text of the log entry. */
  message: string;
  /** Its numbers, and whatever else a reader of the log needs. */
  fields: LogFields;
  /** Makes the entry an error, for what a person has to look at although the delivery is acknowledged. */
  error?: unknown;
}

/**
 * @example
 * return outcome('stored', { thumbnail: name, width, height });
 * return outcome('ignored', { reason: 'folder placeholder' }, 'folder placeholder ignored');
 */
export function outcome(status: string, fields: LogFields = {}, message = 'event settled'): Outcome {
  return { status, message, fields };
}

/** What every outcome's entry has beside its own fields. */
export interface OutcomeFacts {
  /** One of a bounded set: see `eventTypeLabel`. */
  eventType: string;
  /** Time of this attempt. */
  durationMs: number;
}

/** An outcome's fields have the last word: one that stands for many deliveries says how many in `count`. */
export function reportOutcome(
  log: Logger,
  { status, message, fields, error }: Outcome,
  { eventType, durationMs }: OutcomeFacts,
): void {
  const all = { outcome: status, eventType, count: 1, durationMs, ...fields };
  if (error === undefined) log.info(message, all);
  else log.error(message, error, all);
}

/** The label of every event type that nobody declared. */
export const OTHER_TYPES = 'other';

/** The label of an event that was not read. */
export const UNREAD_TYPE = 'unread';

/**
 * The type as a label of metrics. Producers choose types freely, and each value of a label is a time series that is
 * paid for: only declared types keep their names.
 */
export function eventTypeLabel(type: string, declared: ReadonlySet<string>): string {
  return declared.has(type) ? type : OTHER_TYPES;
}

/** Distinct values of a label that one instance writes. */
const MAX_LABELS = 50;

/** Labels that code chooses, such as the types it publishes: bounded, in case it takes them from its input. */
class Labels {
  private readonly known = new Set<string>();

  of(value: string): string {
    if (this.known.size < MAX_LABELS) this.known.add(value);
    return this.known.has(value) ? value : OTHER_TYPES;
  }
}

const publishedTypes = new Labels();
const publishedSources = new Labels();

/** One entry for each event that is published: `events_published_total` counts them. */
export function reportPublished(
  log: Logger,
  { type, source, ...fields }: { type: string; source: string; topic: string; messageId: string },
): void {
  const labels = { eventType: publishedTypes.of(type), source: publishedSources.of(source) };
  log.info('event published', { ...labels, ...fields });
}

import type { LogFields, Logger } from '../core/log.ts';

/**
 * Outcome of an event, as its handler returns it. The event's only log entry is written from it, and log-based
 * metrics are derived from that entry: nothing else counts outcomes.
 */
export interface Outcome {
  /** One of a few fixed words, such as `stored`: the label `status` of `events_consumed_total`. */
  status: string;
  /** Text of the log entry. */
  message: string;
  /** Numbers and other details for the log entry. */
  fields: LogFields;
  /** Makes the entry an error, for what needs a person's attention although the delivery is acknowledged. */
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

/** Fields of every outcome's entry besides its own. */
export interface OutcomeFacts {
  /** One of a bounded set: see `eventTypeLabel`. */
  eventType: string;
  /** Duration of this attempt. */
  durationMs: number;
}

/** An outcome's own fields win: one that stands for many deliveries sets `count`. */
export function reportOutcome(
  log: Logger,
  { status, message, fields, error }: Outcome,
  { eventType, durationMs }: OutcomeFacts,
): void {
  const all = { outcome: status, eventType, count: 1, durationMs, ...fields };
  if (error === undefined) log.info(message, all);
  else log.error(message, error, all);
}

/** The label of undeclared event types. */
export const OTHER_TYPES = 'other';

/** The label of an event that was not read. */
export const UNREAD_TYPE = 'unread';

/**
 * The type as a label of metrics. Producers choose types freely, and each label value creates a billed time series:
 * only declared types keep their names.
 */
export function eventTypeLabel(type: string, declared: ReadonlySet<string>): string {
  return declared.has(type) ? type : OTHER_TYPES;
}

/** Maximum distinct values of a label per instance. */
const MAX_LABELS = 50;

/** Labels chosen by code, such as the types it publishes: bounded in case it derives them from its input. */
class Labels {
  readonly #known = new Set<string>();

  of(value: string): string {
    if (this.#known.size < MAX_LABELS) this.#known.add(value);
    return this.#known.has(value) ? value : OTHER_TYPES;
  }
}

const publishedTypes = new Labels();
const publishedSources = new Labels();

/** Writes one entry per published event: `events_published_total` counts them. */
export function reportPublished(
  log: Logger,
  { type, source, ...fields }: { type: string; source: string; topic: string; messageId: string },
): void {
  const labels = { eventType: publishedTypes.of(type), source: publishedSources.of(source) };
  log.info('event published', { ...labels, ...fields });
}

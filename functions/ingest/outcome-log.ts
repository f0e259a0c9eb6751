import type { LogFields, Logger } from '../../shared/core/log.ts';
import type { Row } from '../../shared/delta/index.ts';
import { eventTypeLabel, OTHER_TYPES, outcome, reportOutcome } from '../../shared/invocation/outcome.ts';

/** Names of event types per entry. */
const MAX_TYPES = 10;

/** `conflicting`: a duplicate by its id, whose content is not that of the stored event. */
export type EventStatus = 'ingested' | 'duplicate' | 'conflicting';

/** Events of one type that one commit settled alike. */
interface Group {
  eventType: string;
  status: EventStatus;
  durations: number[];
  lags: number[];
  /** Counts by the producers' type names. */
  types: Map<string, number>;
}

/**
 * One log entry for all events of a type that one commit settled: at thousands of events a second, an entry per
 * event would cost more than the event. Log-based metrics are derived from its numbers: `events_consumed_total`
 * from `count`, `event_lag_ms` from `lagMs`.
 */
export class OutcomeLog {
  readonly #groups = new Map<string, Group>();
  #version = -1;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #declared: ReadonlySet<string>;

  /** `declared`: event types that keep their names in metrics. */
  constructor(log: Logger, now: () => number, declared: ReadonlySet<string>) {
    this.#log = log;
    this.#now = now;
    this.#declared = declared;
  }

  /** `startedAt` in ms since the epoch. */
  note(row: Row, status: EventStatus, version: number, startedAt: number): void {
    // all callers of one commit are notified in one turn of the event loop: write the entries in the next
    if (this.#groups.size === 0) setImmediate(() => this.#write());
    const now = this.#now();
    const type = String(row['type']);
    const group = this.#group(type, status);
    group.types.set(type, (group.types.get(type) ?? 0) + 1);
    group.durations.push(now - startedAt);
    const published = row['publish_time'];
    if (typeof published === 'bigint') group.lags.push(Math.max(0, now - Number(published / 1_000n)));
    this.#version = Math.max(this.#version, version);
  }

  #group(type: string, status: Group['status']): Group {
    const eventType = eventTypeLabel(type, this.#declared);
    const key = `${status} ${eventType}`;
    const known = this.#groups.get(key);
    if (known) return known;
    const group: Group = { eventType, status, durations: [], lags: [], types: new Map() };
    this.#groups.set(key, group);
    return group;
  }

  #write(): void {
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    for (const { eventType, status, durations, lags, types } of groups) {
      const fields = {
        count: durations.length,
        version: this.#version,
        ...(eventType === OTHER_TYPES && { types: mostFrequent(types) }),
        durationMs: spread(durations),
        lagMs: spread(lags),
      };
      reportOutcome(this.#log, outcome(status, fields, 'events ingested'), { eventType, durationMs: 0 });
    }
  }
}

function mostFrequent(types: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...types].sort((a, b) => b[1] - a[1]).slice(0, MAX_TYPES));
}

function spread(values: number[]): LogFields | undefined {
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  const at = (share: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))]!;
  const sum = values.reduce((total, value) => total + value, 0);
  return { mean: Math.round(sum / values.length), p50: at(0.5), p95: at(0.95), max: at(1) };
}

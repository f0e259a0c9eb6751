import type { LogFields, Logger } from '../../shared/core/log.ts';
import type { Row, SubmitOutcome } from '../../shared/delta/index.ts';

/**
 * One log entry for all events that were settled by one commit: at thousands of events a second, an entry an
 * event would cost more than the event. Log-based metrics are made from its numbers: `events_consumed_total` by
 * status from `added` and `duplicates`, `event_lag_ms` from `lagMs`.
 */
export class OutcomeLog {
  private lags: number[] = [];
  private durations: number[] = [];
  private counts = { added: 0, duplicate: 0 };
  private types = new Map<string, number>();
  private version = -1;

  constructor(
    private readonly log: Logger,
    private readonly now: () => number,
  ) {}

  /** `startedAt` in ms since the epoch. */
  note(row: Row, outcome: SubmitOutcome, startedAt: number): void {
    // all who wait for one commit are told in one turn of the event loop: the entry is written in the next
    if (this.durations.length === 0) setImmediate(() => this.write());
    const now = this.now();
    this.counts[outcome.kind === 'added' ? 'added' : 'duplicate']++;
    const type = String(row['type']);
    this.types.set(type, (this.types.get(type) ?? 0) + 1);
    this.version = Math.max(this.version, outcome.version);
    this.durations.push(now - startedAt);
    const published = row['publish_time'];
    if (typeof published === 'bigint') this.lags.push(Math.max(0, now - Number(published / 1_000n)));
  }

  private write(): void {
    const { added, duplicate } = this.counts;
    this.log.info('events ingested', {
      outcome: 'ingested',
      added,
      duplicates: duplicate,
      version: this.version,
      types: Object.fromEntries([...this.types].sort((a, b) => b[1] - a[1]).slice(0, 10)),
      durationMs: spread(this.durations),
      lagMs: spread(this.lags),
    });
    this.lags = [];
    this.durations = [];
    this.counts = { added: 0, duplicate: 0 };
    this.types = new Map();
  }
}

function spread(values: number[]): LogFields | undefined {
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  const at = (share: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))]!;
  const sum = values.reduce((total, value) => total + value, 0);
  return { mean: Math.round(sum / values.length), p50: at(0.5), p95: at(0.95), max: at(1) };
}

import type { Logger } from '../../shared/core/log.ts';
import type { Answer } from './answers.ts';

/** Interval of entries about refused requests, in ms. */
const INTERVAL_MS = 1_000;

/**
 * One entry for each accepted request, whose sender is known. Anyone can send requests that are refused, so these are
 * counted, and written at most once a second for each source and reason.
 */
export class ReceiveLog {
  readonly #counts = new Map<string, { source: string; status: number; reason: string; count: number }>();
  #timer: NodeJS.Timeout | undefined;

  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  accepted(
    source: string,
    fields: { events: number; deadLetters: number; bytes: number; durationMs: number },
  ): void {
    this.#log.info('events received', { source, ...fields });
  }

  /** `source` must be one that is configured: names from paths are unbounded. */
  refused(source: string | undefined, { status, reason = 'none' }: Answer): void {
    const key = `${source} ${reason}`;
    const known = this.#counts.get(key) ?? { source: source ?? 'unknown', status, reason, count: 0 };
    known.count++;
    this.#counts.set(key, known);
    this.#timer ??= setTimeout(() => this.#flush(), INTERVAL_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    for (const fields of this.#counts.values()) this.#log.warn('requests refused', fields);
    this.#counts.clear();
  }
}

import type { Logger } from '../../shared/core/log.ts';
import type { Row } from '../../shared/delta/index.ts';
import { contentHashOf } from './stored-content.ts';

/** Entries a minute; the number of all of them is in the outcome's entry. */
const MAX_ENTRIES = 20;
const MINUTE_MS = 60_000;
/** In characters. */
const MAX_TEXT = 256;

/** Names the events that were dropped because another one has their id. */
export class ConflictLog {
  #since = Number.NEGATIVE_INFINITY;
  #entries = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  note(row: Row, log: Logger): void {
    const now = this.#now();
    if (now - this.#since > MINUTE_MS) {
      this.#since = now;
      this.#entries = 0;
    }
    if (++this.#entries > MAX_ENTRIES) return;
    const { data } = row;
    log.warn('duplicate with other content', {
      eventId: row['event_id'],
      ceId: cut(row['ce_id']),
      source: cut(row['source']),
      type: cut(row['type']),
      messageId: row['message_id'],
      contentHash: typeof data === 'string' ? contentHashOf(data) : undefined,
    });
  }
}

function cut(value: unknown): unknown {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
}

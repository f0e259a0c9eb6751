import type { Logger } from '../../shared/core/log.ts';
import type { Row } from '../../shared/delta/index.ts';
import type { PubsubMessage } from '../../shared/events/pubsub-message.ts';
import { RECEIVED_FROM } from '../../shared/events/received-from.ts';
import type { Conflict } from '../../shared/lake/conflicts.ts';
import type { Difference } from './stored-content.ts';

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

  note(conflict: Conflict, log: Logger): void {
    const now = this.#now();
    if (now - this.#since > MINUTE_MS) {
      this.#since = now;
      this.#entries = 0;
    }
    if (++this.#entries > MAX_ENTRIES) return;
    const { eventId, id, source, differs, stored, dropped } = conflict;
    log.warn('duplicate with other content', {
      ...{ eventId, ceId: id, source, type: dropped.type, differs },
      ...{ messageId: dropped.messageId, receivedFrom: dropped.receivedFrom ?? undefined },
      ...{ contentHash: dropped.dataHash, storedHash: stored.dataHash, ingestTime: stored.ingestTime },
    });
  }
}

/** `now` in ms since the epoch. */
export function conflictOf(
  row: Row,
  { differs, stored, dataHash }: Difference,
  { messageId, publishTime, attributes }: PubsubMessage,
  now: number,
): Conflict {
  return {
    eventId: String(row['event_id']),
    id: cut(row['ce_id']),
    source: cut(row['source']),
    at: new Date(now).toISOString(),
    differs,
    stored,
    dropped: {
      type: cut(row['type']),
      dataHash,
      messageId: cut(messageId),
      publishTime: cut(publishTime),
      receivedFrom: cut(attributes[RECEIVED_FROM]),
    },
  };
}

function cut(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : null;
}

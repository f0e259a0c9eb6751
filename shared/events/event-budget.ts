import { AppError } from '../core/errors.ts';
import { quoted } from '../core/json-value.ts';
import { sha256 } from '../core/sha256.ts';
import { claimSlot } from '../records/slots.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface EventBudgetOptions {
  state(): Promise<ObjectStore>;
  /** Events of one type that one correlation id may have, 1 to 10,000,000. */
  limit: number;
  correlationId: string;
  /** True if the cause was itself published by one of our functions. */
  isChained: boolean;
  signal: AbortSignal;
}

const LANES = 16;

/**
 * Limits how many events of one type share one correlation id.
 *
 * The first hop is counted in memory: the direct effects of one event cannot multiply, and need no request. From
 * the second hop on, functions multiply each other's events, so each event claims a numbered slot that all
 * instances share: one write. A slot belongs to the event's id, so a redelivery claims no second one.
 */
export class EventBudget {
  readonly #seen = new Map<string, Set<string>>();
  /** A fan-out claims this many slots concurrently. */
  readonly #lanes: Promise<unknown>[] = Array.from({ length: LANES }, () => Promise.resolve());
  #claims = 0;
  readonly #options: EventBudgetOptions;

  constructor(options: EventBudgetOptions) {
    this.#options = options;
  }

  /** Throws `too-many-events`. */
  async admit(type: string, id: string): Promise<void> {
    const { state, limit, correlationId, isChained, signal } = this.#options;
    const ids = this.#seen.get(type) ?? new Set();
    this.#seen.set(type, ids);
    if (ids.has(id)) return;
    if (ids.size >= limit) throw tooMany(type, limit);
    ids.add(id);
    if (!isChained) return;
    const folder = `budget/events/${sha256(JSON.stringify([correlationId, type])).slice(0, 32)}/`;
    try {
      const store = await state();
      if (await this.#inLane(() => claimSlot(store, { folder, limit }, id, signal))) return;
    } catch (error) {
      ids.delete(id);
      throw error;
    }
    throw tooMany(type, limit);
  }

  #inLane<T>(work: () => Promise<T>): Promise<T> {
    const lane = this.#claims++ % LANES;
    const done = this.#lanes[lane]!.then(work);
    this.#lanes[lane] = done.catch(() => {});
    return done;
  }
}

function tooMany(type: string, limit: number): AppError {
  return new AppError(
    'too-many-events',
    `events of type ${quoted(type)} for one correlation id must be at most ${limit} (MAX_EVENTS_PER_CORRELATION), got ${limit + 1}`,
  );
}

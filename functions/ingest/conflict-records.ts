import type { Logger } from '../../shared/core/log.ts';
import { CONFLICT_LIMITS, type Conflict, conflictFolder, conflictName } from '../../shared/lake/conflicts.ts';
import { writeRecord } from '../../shared/records/record.ts';
import { claimSlot } from '../../shared/records/slots.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';

/** Records that are being written; in a storm, the others are only counted. */
const PARALLEL = 200;
/** Names that are remembered, about 200 bytes each. */
const MAX_KNOWN = 10_000;

export interface ConflictRecordsOptions {
  state: ObjectStore;
  /** Folder of the table. */
  path: string;
  now(): number;
  log: Logger;
}

/**
 * Keeps a record of each event that was dropped because another one has its id: once for each other content, up to
 * 16 of an event and 1,000 a day. Beyond that a storm costs no requests.
 */
export class ConflictRecords {
  /** Names that are recorded, and folders that are full. */
  readonly #known = new Set<string>();
  #fullDay: string | undefined;
  #running = 0;
  readonly #options: ConflictRecordsOptions;

  constructor(options: ConflictRecordsOptions) {
    this.#options = options;
  }

  /** Never rejects: the event that was dropped is a duplicate, and its delivery must not fail for a record. */
  async add(conflict: Conflict, subject: string | undefined, signal: AbortSignal): Promise<void> {
    const { path, log } = this.#options;
    const folder = conflictFolder(path, conflict.eventId);
    const name = conflictName(path, subject, conflict);
    if (this.#known.has(name) || this.#known.has(folder) || this.#running >= PARALLEL) return;
    this.#running++;
    try {
      await this.#write(conflict, { folder, name }, signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn('duplicate with other content not recorded', { eventId: conflict.eventId, reason });
    } finally {
      this.#running--;
    }
  }

  async #write(
    conflict: Conflict,
    { folder, name }: { folder: string; name: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { state, now, log } = this.#options;
    const day = new Date(now()).toISOString().slice(0, 10);
    if (day === this.#fullDay) return;
    let count = 0;
    for await (const facts of state.list({ prefix: folder, signal })) {
      if (facts.name === name) return this.#remember(name);
      if (++count >= CONFLICT_LIMITS.perEvent) return this.#remember(folder);
    }
    const slots = { folder: `budget/${day}/conflicts/`, limit: CONFLICT_LIMITS.perDay };
    const owner = name.slice(folder.length - conflict.eventId.length - 1);
    if (!(await claimSlot(state, slots, owner, signal))) {
      this.#fullDay = day;
      log.warn('duplicates with other content are not recorded until tomorrow', { limit: slots.limit });
      return;
    }
    await writeRecord(state, name, conflict, { signal });
    this.#remember(name);
  }

  #remember(name: string): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.add(name);
  }
}

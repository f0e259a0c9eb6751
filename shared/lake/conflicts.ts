import { mapConcurrent } from '../core/map-concurrent.ts';
import { sha256 } from '../core/sha256.ts';
import { parseRecord } from '../records/record.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Prefix of the records in the state bucket. */
export const CONFLICTS = 'conflicts/';

/** Records per event and per day, so that no publisher can fill the bucket. */
export const CONFLICT_LIMITS = { perEvent: 16, perDay: 1_000 };

/** What is compared. The time is not: a producer that publishes an event again may set it anew. */
export const COMPARED = ['type', 'subject', 'data'] as const;

/**
 * An event that was dropped because the table has another one under its id. No content is kept but what names the
 * event: hashes show which publishers agree.
 */
export interface Conflict {
  /** The column `event_id`. */
  eventId: string;
  /** Id of the CloudEvent, as its publisher gave it. */
  id: string | null;
  source: string | null;
  /** When the other content came, RFC 3339. */
  at: string;
  differs: readonly (typeof COMPARED)[number][];
  stored: {
    type: string | null;
    /** SHA-256 of the data in canonical form, in hex; null without data. */
    dataHash: string | null;
    /** When the first row was ingested, RFC 3339. */
    ingestTime: string | null;
  };
  dropped: {
    type: string | null;
    dataHash: string | null;
    /** Id of the Pub/Sub message that brought it. */
    messageId: string | null;
    publishTime: string | null;
    /** The source that `receiveEvent` authenticated; anybody who publishes to the topic may claim one, too. */
    receivedFrom: string | null;
  };
}

/** Folder of a table's records; `path` is the table's folder. Ends with `/`. */
export const conflictsOf = (path: string): string => `${CONFLICTS}${path}/`;

/** Folder of an event's records. */
export const conflictFolder = (path: string, eventId: string): string => `${conflictsOf(path)}${eventId}/`;

/** Follows from the other content: the same one that comes again is recorded once. */
export function conflictName(
  path: string,
  subject: string | undefined,
  { eventId, dropped }: Conflict,
): string {
  const { type, dataHash } = dropped;
  return `${conflictFolder(path, eventId)}${sha256(JSON.stringify([type, subject ?? null, dataHash]))}.json`;
}

/** A record's name, and when it was written. */
export interface ConflictEntry {
  name: string;
  eventId: string;
  written: Date;
}

/** All records of a table, or of one event. */
export async function listConflicts(
  state: ObjectStore,
  path: string,
  { eventId, signal }: { eventId?: string | undefined; signal: AbortSignal },
): Promise<ConflictEntry[]> {
  const folder = conflictsOf(path);
  const prefix = eventId === undefined ? folder : conflictFolder(path, eventId);
  const found: ConflictEntry[] = [];
  for await (const { name, updated } of state.list({ prefix, signal })) {
    const [id, file, ...more] = name.slice(folder.length).split('/');
    // a table whose folder is below this one has records of its own
    if (id === undefined || file === undefined || more.length > 0) continue;
    found.push({ name, eventId: id, written: updated });
  }
  return found;
}

/** Records that are gone by now are left out. Throws `internal` if one is not JSON. */
export async function readConflicts(
  state: ObjectStore,
  entries: readonly ConflictEntry[],
  signal: AbortSignal,
): Promise<Conflict[]> {
  const found = await mapConcurrent(entries, PARALLEL, async ({ name }) => {
    const stored = await state.get(name, { withoutMetadata: true, signal });
    return stored && parseRecord<Conflict>(state, name, stored.body);
  });
  return found.filter((one) => one !== undefined);
}

const PARALLEL = 16;

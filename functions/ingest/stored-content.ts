import { readJsonText } from '../../shared/core/json-text.ts';
import { deadline } from '../../shared/core/retry.ts';
import { SharedQuery } from '../../shared/core/shared-query.ts';
import type { Row, ScannedRow } from '../../shared/delta/index.ts';
import { canonicalHash } from '../../shared/events/canonical-json.ts';
import { COMPARED, type Conflict } from '../../shared/lake/conflicts.ts';
import { ID_COLUMN } from './events-table.ts';

/**
 * What the table has under a duplicate's id: the same content, other content (with what differs), no such event (only
 * an id that earlier versions could have given it, which is another event's), or nobody looked.
 */
export type Comparison = 'same' | 'absent' | 'unknown' | Difference;

export type Difference = Pick<Conflict, 'differs' | 'stored'> & Pick<Conflict['dropped'], 'dataHash'>;

type Content = Readonly<Record<string, unknown>>;
/** Type, subject and data as one text, and when it was ingested: a Date, or microseconds since the epoch. */
interface Stored {
  text: string | Buffer;
  ingestTime: unknown;
}
type Reader = (
  ids: readonly string[],
  options: { columns: readonly string[]; signal: AbortSignal },
) => Promise<ScannedRow[]>;

const COLUMNS = [ID_COLUMN, 'ce_id', 'type', 'subject', 'data', 'ingest_time'] as const;
/** Bytes of each of two generations of recent rows. Most duplicates are redeliveries within seconds. */
const GENERATION_BYTES = 4 * 1024 * 1024;
/** Memory of a row beside its content. */
const ENTRY_BYTES = 256;
/** Duplicates that wait for a look-up; a storm of old ones is not compared. */
const MAX_WAITING = 1_000;
const LOOK_MS = 5_000;

/**
 * Compares duplicates with the rows that the table has. Nothing is computed for a new event; recent rows are in memory,
 * and others are read from the files that the index names, one query at a time for all duplicates that wait.
 */
export class StoredContent {
  /**
   * As bytes: a text cut from a batch would keep the whole batch in memory. A full generation replaces the older one;
   * deleting the oldest rows one by one would leave holes in a map, through which each search for the next one goes.
   */
  #newer = new Map<string, Stored>();
  #older: ReadonlyMap<string, Stored> = new Map();
  #newerBytes = 0;
  /** Each look-up reads a page of each row's file. */
  readonly #query: SharedQuery<ScannedRow[]>;

  constructor(read: Reader) {
    this.#query = new SharedQuery(async (ids) => {
      const { signal, clear } = deadline(LOOK_MS);
      return read(ids, { columns: COLUMNS, signal }).finally(clear);
    });
  }

  /** The table has this row. */
  remember(row: Row): void {
    const id = String(row[ID_COLUMN]);
    const content = Buffer.from(textOf(row));
    const bytes = content.length + ENTRY_BYTES;
    if (bytes > GENERATION_BYTES || this.#recent(id)) return;
    if (this.#newerBytes + bytes > GENERATION_BYTES) {
      this.#older = this.#newer;
      this.#newer = new Map();
      this.#newerBytes = 0;
    }
    this.#newer.set(id, { text: content, ingestTime: row['ingest_time'] });
    this.#newerBytes += bytes;
  }

  #recent(id: string): Stored | undefined {
    return this.#newer.get(id) ?? this.#older.get(id);
  }

  /** Never rejects: what cannot be read in time is unknown. */
  async compare(row: Row, formerIds: readonly string[], signal: AbortSignal): Promise<Comparison> {
    const id = String(row[ID_COLUMN]);
    // equal content is what gives it the id
    const isContentId = typeof row['ce_id'] !== 'string';
    if (isContentId && formerIds.length === 0) return 'same';
    const recent = this.#recent(id);
    if (recent) return isContentId ? 'same' : verdictOf(textOf(row), recent);
    const rows = await this.#look([id, ...formerIds], signal);
    if (rows === undefined) return 'unknown';
    const own = rows.find((one) => one[ID_COLUMN] === id);
    if (own)
      return isContentId
        ? 'same'
        : verdictOf(textOf(row), { text: textOf(own), ingestTime: own['ingest_time'] });
    // what earlier versions stored was plain content, byte for byte
    const former = rows.filter((one) => formerIds.includes(String(one[ID_COLUMN])));
    if (former.some((one) => one['ce_id'] === null)) return 'same';
    return former.length > 0 ? 'absent' : 'unknown';
  }

  async #look(ids: readonly string[], signal: AbortSignal): Promise<ScannedRow[] | undefined> {
    if (this.#query.waiting >= MAX_WAITING || signal.aborted) return undefined;
    return this.#query.about(ids).catch(() => undefined);
  }
}

/** SHA-256 of the JSON in canonical form, in 64 hex digits. */
export function contentHashOf(data: string): string {
  return canonicalHash(data, readJsonText(data, { maxDepth: Number.POSITIVE_INFINITY }));
}

/** Type, subject and data; the first two have no control characters. */
function textOf({ type, subject, data }: Content): string {
  return `${type ?? ''}\0${subject ?? ''}\0${data ?? ''}`;
}

function verdictOf(text: string, { text: bytes, ingestTime }: Stored): Comparison {
  const stored = bytes.toString();
  if (text === stored) return 'same';
  const [own, other] = [parts(text), parts(stored)];
  const [dataHash, storedHash] = [hashOf(own.data), hashOf(other.data)];
  const differs = COMPARED.filter((part) =>
    part === 'data' ? dataHash !== storedHash : own[part] !== other[part],
  );
  if (differs.length === 0) return 'same';
  const at = typeof ingestTime === 'bigint' ? new Date(Number(ingestTime / 1_000n)) : ingestTime;
  return {
    differs,
    dataHash,
    stored: {
      type: other.type.slice(0, MAX_TYPE),
      dataHash: storedHash,
      ingestTime: at instanceof Date ? at.toISOString() : null,
    },
  };
}

/** In characters. */
const MAX_TYPE = 256;

const hashOf = (data: string): string | null => (data === '' ? null : contentHashOf(data));

/** Data holds no raw NUL: it is JSON. */
function parts(text: string): Record<(typeof COMPARED)[number], string> {
  const [type = '', subject = '', data = ''] = text.split('\0');
  return { type, subject, data };
}

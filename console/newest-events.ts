import { head } from '../cli/lake/head.ts';
import type { Lake } from '../cli/lake/lake.ts';
import { Problem } from './answers.ts';
import type { EventRow } from './api-types.ts';
import { runJson } from './commands.ts';

/** Most rows of one microsecond that pages can be made of: `lake head` prints no more. */
const MOST_AT_ONE_TIME = 9_000;

/** Where the next page of the newest rows begins. */
export interface Cursor {
  version: number;
  /** Time of the last row, in microseconds. */
  time: bigint;
  /** Rows with that time that were shown. */
  skip: number;
}

export interface NewestPage {
  rows: EventRow[];
  next?: string;
}

/**
 * A page of the newest rows of one version, as `lake head` finds them. `columns` must have `ingest_time`.
 * @param filters arguments of `lake head`, without `--until` if there is a cursor
 */
export async function newestPage(
  lake: Lake,
  {
    version,
    cursor,
    columns,
    filters,
    limit,
  }: {
    version: number;
    cursor: Cursor | undefined;
    columns: readonly string[];
    filters: readonly string[];
    limit: number;
  },
): Promise<NewestPage> {
  const skip = cursor?.skip ?? 0;
  const args = [
    '--format=jsonl',
    `--columns=${columns.join(',')}`,
    `--version=${version}`,
    `--limit=${limit + skip}`,
    ...filters,
    '--by=ingest_time',
    ...(cursor === undefined ? [] : [`--until=${timeText(cursor.time + 1n)}`]),
  ];
  const { value } = await runJson(head, args, lake, 'lines');
  const all = value as EventRow[];
  const rows = all.slice(skip);
  const next = rows.length === limit ? cursorAfter(all, version) : undefined;
  return { rows, ...(next !== undefined && { next }) };
}

/** A page may end among rows of the same time, so the next one begins at that time and skips those shown. */
function cursorAfter(rows: readonly EventRow[], version: number): string | undefined {
  const last = rows.at(-1)?.['ingest_time'];
  const time = microsOf(last);
  if (time === undefined) return undefined;
  const skip = rows.filter((row) => row['ingest_time'] === last).length;
  return skip > MOST_AT_ONE_TIME ? undefined : `${version}.${time}.${skip}`;
}

export function parseCursor(text: string | null | undefined): Cursor | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  const [, version, time = '', skip] = /^(\d{1,15})\.(\d{1,18})\.(\d{1,4})$/.exec(text) ?? [];
  if (version !== undefined) return { version: Number(version), time: BigInt(time), skip: Number(skip) };
  throw new Problem(400, `next must be the cursor of a page, got ${JSON.stringify(text.slice(0, 80))}`);
}

function microsOf(text: unknown): bigint | undefined {
  if (typeof text !== 'string') return undefined;
  const ms = Date.parse(text);
  const [, fraction = ''] = /\.(\d+)Z$/.exec(text) ?? [];
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000n + BigInt(fraction.padEnd(6, '0').slice(3, 6));
}

function timeText(micros: bigint): string {
  const text = new Date(Number(micros / 1_000n)).toISOString();
  return `${text.slice(0, -1)}${String(micros % 1_000n).padStart(3, '0')}Z`;
}

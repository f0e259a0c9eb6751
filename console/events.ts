import { FILTER_OPTIONS } from '../cli/lake/filter-options.ts';
import { head } from '../cli/lake/head.ts';
import { history } from '../cli/lake/history.ts';
import { info } from '../cli/lake/info.ts';
import type { Lake } from '../cli/lake/lake.ts';
import { query as queryRows } from '../cli/lake/query.ts';
import { verify } from '../cli/lake/verify.ts';
import { loadSnapshot } from '../shared/delta/index.ts';
import { Problem } from './answers.ts';
import type { EventRow, EventsAnswer } from './api-types.ts';
import { runJson } from './commands.ts';

const PAGE = 100;
/** Most rows of one microsecond that pages can be made of: `lake head` prints no more. */
const MOST_AT_ONE_TIME = 9_000;

/** Columns of the list; `data` can have a megabyte, so it comes with the single event. */
const COLUMNS = [
  'event_id',
  'ce_id',
  'type',
  'source',
  'subject',
  'time',
  'ingest_time',
  'publish_time',
  'correlation_id',
  'trace_id',
  'dataschema',
] as const;

/** The newest events that match, from the statistics of the files and the times in them. */
export async function listEvents(lake: Lake, asked: URLSearchParams): Promise<EventsAnswer> {
  const cursor = parseCursor(asked.get('next'));
  const snapshot = await loadSnapshot(lake.location, cursor?.version ?? versionOf(asked), lake.signal);
  const columns = COLUMNS.filter((name) => snapshot.fields.some((field) => field.name === name));
  const skip = cursor?.skip ?? 0;
  const args = [
    '--format=jsonl',
    `--columns=${columns.join(',')}`,
    `--version=${snapshot.version}`,
    `--limit=${PAGE + skip}`,
    ...filterArgs(asked, cursor?.time),
  ];
  const { value } = await runJson(head, args, lake, 'lines');
  const rows = (value as EventRow[]).slice(skip);
  const { requests, bytes } = lake.counts;
  return {
    rows,
    version: snapshot.version,
    read: { requests, bytes, of: snapshot.sizeInBytes },
    ...(rows.length === PAGE && { next: cursorAfter(value as EventRow[], snapshot.version) }),
  };
}

/** One event with all of its columns. */
export async function showEvent(lake: Lake, id: string): Promise<{ row: EventRow }> {
  const args = ['--format=jsonl', '--columns=all', '--limit=1', `--id=${id}`];
  const { value } = await runJson(queryRows, args, lake, 'lines');
  const [row] = value as EventRow[];
  if (!row) throw new Problem(404, `no event has the id ${id}: the table may have been erased or replaced`);
  return { row };
}

/** Most events of one trace that are shown. */
const TRACE_ROWS = 1_000;

/** Events of one correlation id, in the order of their times. */
export async function eventsOf(lake: Lake, correlationId: string): Promise<EventRow[]> {
  const columns = [...COLUMNS, 'causation_id'];
  const { fields } = await loadSnapshot(lake.location, undefined, lake.signal);
  const known = columns.filter((name) => fields.some((field) => field.name === name));
  const args = [
    '--format=jsonl',
    `--columns=${known.join(',')}`,
    `--limit=${TRACE_ROWS}`,
    `--correlation-id=${correlationId}`,
  ];
  const { value } = await runJson(queryRows, args, lake, 'lines');
  const timeOf = (row: EventRow): string => String(row['time'] ?? row['ingest_time'] ?? '');
  return (value as EventRow[]).sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1));
}

export async function showTable(lake: Lake): Promise<unknown> {
  const [facts, versions] = [
    await runJson(info, ['--format=json'], lake),
    await runJson(history, ['--format=json', '--limit=50'], lake),
  ];
  return { info: facts.value, history: versions.value };
}

/** Reads the whole table, as `lake verify` does. */
export async function verifyTable(lake: Lake): Promise<unknown> {
  return (await runJson(verify, ['--format=json'], lake)).value;
}

function versionOf(asked: URLSearchParams): number | undefined {
  const text = asked.get('version');
  if (text === null || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Problem(400, `version must be a whole number, got ${JSON.stringify(text.slice(0, 80))}`);
}

/** `until` of the cursor replaces that of the query: it is earlier. */
function filterArgs(asked: URLSearchParams, before: bigint | undefined): string[] {
  const given = Object.keys(FILTER_OPTIONS).flatMap((name) =>
    asked.getAll(name).flatMap((value) => {
      const isReplaced = name === 'until' && before !== undefined;
      return value === '' || isReplaced || name === 'by' ? [] : [`--${name}=${value}`];
    }),
  );
  return [
    ...given,
    '--by=ingest_time',
    ...(before === undefined ? [] : [`--until=${timeText(before + 1n)}`]),
  ];
}

interface Cursor {
  version: number;
  /** Time of the last row, in microseconds. */
  time: bigint;
  /** Rows with that time that were shown. */
  skip: number;
}

/** A page may end among rows of the same time, so the next one begins at that time and skips those shown. */
function cursorAfter(rows: readonly EventRow[], version: number): string | undefined {
  const last = rows.at(-1)?.['ingest_time'];
  const time = microsOf(last);
  if (time === undefined) return undefined;
  const skip = rows.filter((row) => row['ingest_time'] === last).length;
  return skip > MOST_AT_ONE_TIME ? undefined : `${version}.${time}.${skip}`;
}

function parseCursor(text: string | null): Cursor | undefined {
  if (text === null || text === '') return undefined;
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

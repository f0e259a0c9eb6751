import { wholeNumber } from '../cli/common/options.ts';
import { FILTER_OPTIONS } from '../cli/lake/filter-options.ts';
import { history } from '../cli/lake/history.ts';
import { info } from '../cli/lake/info.ts';
import type { Lake } from '../cli/lake/lake.ts';
import { query as queryRows } from '../cli/lake/query.ts';
import { search } from '../cli/lake/search.ts';
import { verify } from '../cli/lake/verify.ts';
import { loadSnapshot, type Snapshot } from '../shared/delta/index.ts';
import { Problem } from './answers.ts';
import type { EventRow, EventsAnswer, SearchAnswer } from './api-types.ts';
import { runJson } from './commands.ts';
import { type Cursor, newestPage, parseCursor } from './newest-events.ts';

const PAGE = 100;
/** Can have a megabyte, so it comes with the single event. */
const DATA = 'data';
/** Columns that every page has: the link to the event, and its place in the order. */
const ALWAYS = ['event_id', 'ingest_time'];

/**
 * The newest events that match, from the statistics of the files and the times in them. `columns` of the query, or
 * all but `data`.
 */
export async function listEvents(lake: Lake, asked: URLSearchParams): Promise<EventsAnswer> {
  const cursor = parseCursor(asked.get('next'));
  const snapshot = await loadSnapshot(lake.location, cursor?.version ?? versionOf(asked), lake.signal);
  const page = await newestPage(lake, {
    version: snapshot.version,
    cursor,
    columns: columnsOf(asked, snapshot),
    filters: filterArgs(asked, cursor),
    limit: PAGE,
  });
  const { requests, bytes } = lake.counts;
  return { ...page, version: snapshot.version, read: { requests, bytes, of: snapshot.sizeInBytes } };
}

/** Events with a text in their data: a bounded part of the table is read, and `next` goes on. */
export async function searchEvents(lake: Lake, asked: URLSearchParams): Promise<SearchAnswer> {
  const from = asked.get('next');
  const version = versionOf(asked);
  const snapshot = await loadSnapshot(lake.location, version, lake.signal);
  const args = [
    '--json',
    `--columns=${columnsOf(asked, snapshot).join(',')}`,
    `--limit=${PAGE}`,
    ...(from ? [`--from=${from}`] : [`--version=${snapshot.version}`]),
    ...filterArgs(asked, undefined),
    '--by=ingest_time',
    '--',
    asked.get('text') ?? '',
  ];
  const { value } = await runJson(search, args, lake);
  const { next, ...page } = value as Omit<SearchAnswer, 'next' | 'read'> & { next: string | null };
  const { requests, bytes } = lake.counts;
  return {
    ...page,
    ...(next !== null && { next }),
    read: { requests, bytes, of: snapshot.sizeInBytes },
  };
}

function columnsOf(asked: URLSearchParams, { fields }: Snapshot): string[] {
  const wanted = asked.get('columns')?.split(',');
  const known = fields.map(({ name }) => name).filter((name) => name !== DATA);
  return known.filter((name) => !wanted || ALWAYS.includes(name) || wanted.includes(name));
}

/** One event with all of its columns. */
export async function showEvent(lake: Lake, id: string): Promise<{ row: EventRow }> {
  const args = ['--format=jsonl', '--columns=all', '--limit=1', `--id=${id}`];
  const { value } = await runJson(queryRows, args, lake, 'lines');
  const [row] = value as EventRow[];
  if (!row) throw new Problem(404, `no event has the id ${id}: the table may have been erased or replaced`);
  return { row };
}

const MOST_COMMITS = 1_000;
/** Most events of one trace that are shown. */
const TRACE_ROWS = 1_000;

/** Events of one correlation id, in the order of their times. */
export async function eventsOf(lake: Lake, correlationId: string): Promise<EventRow[]> {
  const snapshot = await loadSnapshot(lake.location, undefined, lake.signal);
  const args = [
    '--format=jsonl',
    `--columns=${columnsOf(new URLSearchParams(), snapshot).join(',')}`,
    `--limit=${TRACE_ROWS}`,
    `--correlation-id=${correlationId}`,
  ];
  const { value } = await runJson(queryRows, args, lake, 'lines');
  const timeOf = (row: EventRow): string => String(row['time'] ?? row['ingest_time'] ?? '');
  return (value as EventRow[]).sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1));
}

export async function showTable(lake: Lake): Promise<unknown> {
  return (await runJson(info, ['--format=json'], lake)).value;
}

/** Latest first. Each takes a few requests, so a page asks for as many as it shows. */
export async function listCommits(lake: Lake, asked: URLSearchParams): Promise<unknown> {
  const limit = wholeNumber('limit', asked.get('limit') ?? '20', { min: 1, max: MOST_COMMITS });
  return (await runJson(history, ['--format=json', `--limit=${limit}`], lake)).value;
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
function filterArgs(asked: URLSearchParams, cursor: Cursor | undefined): string[] {
  return Object.keys(FILTER_OPTIONS).flatMap((name) =>
    asked.getAll(name).flatMap((value) => {
      const isReplaced = name === 'until' && cursor !== undefined;
      return value === '' || isReplaced || name === 'by' ? [] : [`--${name}=${value}`];
    }),
  );
}

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { EventRow, EventsAnswer, SearchAnswer, TableAnswer } from '../api-types.ts';
import { getJson } from './api.ts';
import { EventFilters, FILTERS } from './event-filters.tsx';
import { useJson } from './hooks.ts';
import { bytes, count, counted, Empty, Head, Loading, Problem, Time } from './parts.tsx';
import { linkTo } from './route.ts';
import { TableFacts } from './table-facts.tsx';

/** A page of the newest, or of a search. */
type Page = EventsAnswer & Partial<Pick<SearchAnswer, 'searched' | 'of'>>;

const DEFAULT_COLUMNS = ['ingest_time', 'type', 'subject', 'source', 'correlation_id'];

/** The table of events, newest first. */
export function Events({ query }: { query: URLSearchParams }): JSX.Element {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) || undefined]));
  const version = query.get('version') || undefined;
  const columns = (query.get('columns') ?? DEFAULT_COLUMNS.join(',')).split(',');
  const text = query.get('text') || undefined;
  const path = text === undefined ? 'events' : 'search';
  const wanted = { ...asked, text, columns: columns.join(','), version };
  const { value, problem, isLoading, reload } = useJson<Page>(path, wanted);
  const table = useJson<TableAnswer | null>('table');
  const [more, setMore] = useState<Page[]>([]);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  useEffect(() => setMore([]), [value]);
  const pages = value ? [value, ...more] : [];
  const rows = pages.flatMap((page) => page.rows);
  const last = pages.at(-1);
  const read = pages.reduce(
    (sum, page) => ({ requests: sum.requests + page.read.requests, bytes: sum.bytes + page.read.bytes }),
    { requests: 0, bytes: 0 },
  );
  const loadMore = async (): Promise<void> => {
    try {
      setMore([
        ...more,
        await getJson<Page>(path, { ...wanted, version: last?.version ?? version, next: last?.next }),
      ]);
    } catch (error) {
      setFailure((error as Error).message);
    }
  };
  const searched = pages.reduce((sum, page) => sum + (page.searched ?? 0), 0);
  return (
    <>
      <Head title="Events">
        <button type="button" class="button" onClick={reload}>
          Reload
        </button>
      </Head>
      <EventFilters query={query} columns={columns} table={table.value ?? undefined} />
      {problem && <Problem text={problem} onRetry={reload} />}
      {!value && isLoading && <Loading />}
      {value?.version === null && (
        <Empty title="There is no table yet">
          The first event makes it. Publish one to the topic, or upload a video, and reload.
        </Empty>
      )}
      {value && text !== undefined && rows.length === 0 && (
        <Empty title={last?.next ? 'Nothing found so far' : 'No event has this text'}>
          {last?.next
            ? 'Only a part of the table was read. Read on below, or narrow the search with a filter.'
            : 'All events that match the filters were searched. Take a filter away, or try another text.'}
        </Empty>
      )}
      {value && value.version !== null && text === undefined && rows.length === 0 && (
        <Empty title="No event matches">
          Publish one to the topic, or take a filter away. A version before the first row is empty, too.
        </Empty>
      )}
      {rows.length > 0 && <EventTable rows={rows} columns={columns} />}
      {last && last.version !== null && (
        <p class="note">
          {counted(rows.length, 'event')} of version {last.version}
          {last.of !== undefined &&
            ` in ${count(searched)} of ${counted(last.of, 'row')}, latest files first`}
          ; {counted(read.requests, 'request')} read {bytes(read.bytes)} of a table of {bytes(last.read.of)}.
        </p>
      )}
      {failure && <Problem text={failure} />}
      {last?.next && (
        <button type="button" class="button more" onClick={loadMore}>
          {text === undefined ? 'Show older events' : 'Read on'}
        </button>
      )}
      {table.value && <TableFacts table={table.value} />}
    </>
  );
}

export function EventTable({ rows, columns }: { rows: EventRow[]; columns: readonly string[] }): JSX.Element {
  return (
    <section class="scroll" aria-label="Events">
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name.replaceAll('_', ' ')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={String(row['event_id'])}>
              {columns.map((name, index) => (
                <td key={name}>
                  <Cell name={name} row={row} isLink={index === 0} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Cell({ name, row, isLink }: { name: string; row: EventRow; isLink: boolean }): JSX.Element {
  const value = row[name];
  const text = value === null || value === undefined ? '' : String(value);
  const shown = name.endsWith('time') ? (
    <Time at={text === '' ? undefined : text} />
  ) : (
    <span class={`cut ${name === 'type' ? 'strong' : ''}`} title={text}>
      {text}
    </span>
  );
  if (isLink) return <a href={linkTo(['event', String(row['event_id'])])}>{shown}</a>;
  if (name === 'correlation_id' && text !== '') return <a href={linkTo(['trace', text])}>{shown}</a>;
  return shown;
}

import type { JSX } from 'preact';
import type { EventRow } from '../api-types.ts';
import { useJson } from './hooks.ts';
import { Facts, Head, Loading, Problem, TextTree, Time } from './parts.tsx';
import { linkTo } from './route.ts';

/** One event: its attributes, and its data as a tree. */
export function EventPage({ id }: { id: string }): JSX.Element {
  const { value, problem, reload } = useJson<{ row: EventRow }>('event', { id });
  const row = value?.row;
  const correlation = row?.['correlation_id'];
  return (
    <>
      <p class="crumbs">
        <a href={linkTo(['events'])}>Events</a>
      </p>
      <Head title={String(row?.['type'] ?? 'Event')}>
        {typeof correlation === 'string' && (
          <a class="button" href={linkTo(['trace', correlation])}>
            Trace
          </a>
        )}
      </Head>
      {problem && <Problem text={problem} onRetry={reload} />}
      {!row && !problem && <Loading />}
      {row && <Shown row={row} />}
    </>
  );
}

function Shown({ row: { data, ...attributes } }: { row: EventRow }): JSX.Element {
  const given = Object.entries(attributes).filter(([, value]) => value !== null);
  return (
    <>
      <Facts
        facts={given.map(([name, value]) => [
          name.replaceAll('_', ' '),
          name.endsWith('time') ? (
            <Time key={name} at={String(value)} />
          ) : (
            <code key={name}>{String(value)}</code>
          ),
        ])}
      />
      <section class="panel">
        <h2>Data</h2>
        {typeof data === 'string' ? <TextTree text={data} /> : <p class="faint">It has none.</p>}
      </section>
    </>
  );
}

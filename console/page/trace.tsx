import type { JSX } from 'preact';
import type { EventRow, TraceAnswer } from '../api-types.ts';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { Chip, Empty, Head, Loading, Problem, Time } from './parts.tsx';
import { linkTo } from './route.ts';

/** All that one correlation id did: its events as a tree of causes, and its dead letters. */
export function Trace({ id }: { id: string }): JSX.Element {
  const { value, problem, reload } = useJson<TraceAnswer>('trace', { id });
  const reloadSoon = useThrottled(reload, 1_500);
  useFeed((event) => {
    if (event.kind === 'letter' || event.kind === 'attempt') reloadSoon();
  });
  const roots = value ? treeOf(value.events) : [];
  const isEmpty = value?.events.length === 0 && value.letters.length === 0;
  return (
    <>
      <p class="crumbs">
        <a href={linkTo(['events'])}>Events</a>
      </p>
      <Head title="Trace">
        <code class="cut">{id}</code>
      </Head>
      {problem && <Problem text={problem} onRetry={reload} />}
      {!value && !problem && <Loading />}
      {isEmpty && (
        <Empty title="Nothing has this correlation id">
          Events appear here when ingestEvent has stored them, and dead letters when they are explained.
        </Empty>
      )}
      {roots.length > 0 && (
        <section class="panel">
          <h2>Events</h2>
          <Branches nodes={roots} from={Date.parse(timeOf(roots[0]?.row ?? {}))} />
        </section>
      )}
      {value && value.letters.length > 0 && (
        <section class="panel">
          <h2>Dead letters</h2>
          <ul class="list">
            {value.letters.map((letter) => (
              <li key={letter.letter}>
                <a class="line" href={linkTo(['letter', letter.letter])}>
                  <Chip kind={letter.status}>{letter.status.replace('-', ' ')}</Chip>
                  <span class="grow cut">{letter.pattern}</span>
                  <span class="faint">{letter.function}</span>
                  <Time at={letter.lastDiedAt} />
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

interface Node {
  row: EventRow;
  effects: Node[];
}

/** Events below the one that caused them; a cause that is not in the table makes a root. */
function treeOf(rows: readonly EventRow[]): Node[] {
  const nodes = new Map<unknown, Node>();
  for (const row of rows) {
    const node = { row, effects: [] };
    nodes.set(row['event_id'], node);
    if (row['ce_id'] && !nodes.has(row['ce_id'])) nodes.set(row['ce_id'], node);
  }
  return rows.flatMap((row) => {
    const node = nodes.get(row['event_id']);
    const cause = nodes.get(row['causation_id']);
    if (!node) return [];
    // an event may name itself or a later one: only an earlier one is shown as its cause
    if (!cause || rows.indexOf(cause.row) >= rows.indexOf(row)) return [node];
    cause.effects.push(node);
    return [];
  });
}

const timeOf = (row: EventRow): string => String(row['time'] ?? row['ingest_time']);

/** @param from time of the first event, in ms since the epoch */
function Branches({ nodes, from }: { nodes: readonly Node[]; from: number }): JSX.Element {
  return (
    <ol class="branches">
      {nodes.map(({ row, effects }) => (
        <li key={String(row['event_id'])}>
          <a class="line" href={linkTo(['event', String(row['event_id'])])}>
            <b>{String(row['type'] ?? '')}</b>
            <span class="grow cut">{String(row['subject'] ?? '')}</span>
            <span class="faint cut">{String(row['source'] ?? '')}</span>
            <span class="after">{after(Date.parse(timeOf(row)) - from)}</span>
            <Time at={timeOf(row)} />
          </a>
          {effects.length > 0 && <Branches nodes={effects} from={from} />}
        </li>
      ))}
    </ol>
  );
}

/** How much later than the first event: `+1.46 s`. */
function after(ms: number): string {
  if (!(ms > 0)) return '';
  if (ms < 60_000) return `+${(ms / 1_000).toFixed(2)} s`;
  return ms < 3_600_000 ? `+${(ms / 60_000).toFixed(1)} min` : `+${(ms / 3_600_000).toFixed(1)} h`;
}

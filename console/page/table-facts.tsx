import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { CommitAnswer, TableAnswer } from '../api-types.ts';
import { getJson } from './api.ts';
import { useJson } from './hooks.ts';
import { bytes, count, counted, Facts, Loading, Problem, Time } from './parts.tsx';
import { linkTo } from './route.ts';

interface Verified {
  findings: number;
  rows: number;
  files: number;
  seconds: number;
  list: { kind: string; where: string; what: string }[];
}

/** Size, schema and history of the table, and what a check of all of it finds. */
export function TableFacts({ table }: { table: TableAnswer }): JSX.Element {
  const [checked, setChecked] = useState<Verified | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const verify = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      setChecked(await getJson<Verified>('verify'));
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Facts
        facts={[
          ['table', <code key="t">{table.table}</code>],
          ['version', count(table.version)],
          ['rows', table.rows === null ? 'unknown' : count(table.rows)],
          ['size', `${bytes(table.bytes)} in ${counted(table.files, 'file')}`],
        ]}
      />
      <section class="panel">
        <h2>Check</h2>
        <p class="faint">
          Reads the whole table, {bytes(table.bytes)}, and compares every file with the log, as “pipeline lake
          verify” does.
        </p>
        <button type="button" class="button" disabled={isBusy} onClick={verify}>
          {isBusy ? 'Reading…' : 'Check the table'}
        </button>
        {problem && <Problem text={problem} />}
        {checked && (
          <div role="status">
            <p>
              {counted(checked.rows, 'row')} in {counted(checked.files, 'file')}, {checked.seconds.toFixed(1)}{' '}
              s: <b>{checked.findings === 0 ? 'all is well' : counted(checked.findings, 'finding')}</b>
            </p>
            <ul class="plain">
              {checked.list.slice(0, 100).map(({ kind, where, what }) => (
                <li key={`${where} ${what}`}>
                  <code>{kind}</code> {where}: {what}
                </li>
              ))}
            </ul>
          </div>
        )}
      </section>
      <details class="panel">
        <summary>Schema</summary>
        <dl class="pairs">
          {table.schema.map(({ name, type, comment }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{typeof type === 'string' ? type : JSON.stringify(type)}</code>{' '}
                <span class="faint">{comment}</span>
              </dd>
            </div>
          ))}
        </dl>
      </details>
      <Commits newest={table.version} oldest={table.oldestCommit ?? 0} />
    </>
  );
}

const COMMITS_AT_A_TIME = 20;

/** Read when they are opened: each takes a few requests. */
function Commits({ newest, oldest }: { newest: number; oldest: number }): JSX.Element {
  const [limit, setLimit] = useState(0);
  return (
    <details
      class="panel"
      onToggle={(event) => event.currentTarget.open && setLimit(limit || COMMITS_AT_A_TIME)}
    >
      <summary>Commits</summary>
      {limit > 0 && <CommitList limit={limit} />}
      {limit > 0 && limit <= newest - oldest && (
        <button type="button" class="button" onClick={() => setLimit(limit + COMMITS_AT_A_TIME)}>
          Show older commits
        </button>
      )}
    </details>
  );
}

function CommitList({ limit }: { limit: number }): JSX.Element {
  const { value, problem, reload } = useJson<CommitAnswer[]>('commits', { limit });
  if (problem) return <Problem text={problem} onRetry={reload} />;
  if (!value) return <Loading />;
  return (
    <ol class="commits">
      {value.map(({ version, time, operation, rowsAdded, rowsRemoved, filesAdded, filesRemoved }) => (
        <li key={version}>
          <a href={linkTo(['events'], { version: String(version) })}>{version}</a>
          <span>{operation ?? '?'}</span>
          <span>
            +{rowsAdded ?? '?'} −{rowsRemoved ?? '?'} rows
          </span>
          <span class="faint">
            +{filesAdded} −{filesRemoved} files
          </span>
          <Time at={time} />
        </li>
      ))}
    </ol>
  );
}

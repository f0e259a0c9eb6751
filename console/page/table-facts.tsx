import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { TableAnswer } from '../api-types.ts';
import { getJson } from './api.ts';
import { bytes, count, counted, Facts, Problem, Time } from './parts.tsx';
import { linkTo } from './route.ts';

interface Verified {
  findings: number;
  rows: number;
  files: number;
  seconds: number;
  list: { kind: string; where: string; what: string }[];
}

/** Size, schema and history of the table, and what a check of all of it finds. */
export function TableFacts({ table: { info, history } }: { table: TableAnswer }): JSX.Element {
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
          ['table', <code key="t">{info.table}</code>],
          ['version', count(info.version)],
          ['rows', info.rows === null ? 'unknown' : count(info.rows)],
          ['size', `${bytes(info.bytes)} in ${counted(info.files, 'file')}`],
        ]}
      />
      <section class="panel">
        <h2>Check</h2>
        <p class="faint">
          Reads the whole table, {bytes(info.bytes)}, and compares every file with the log, as “pipeline lake
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
          {info.schema.map(({ name, type, comment }) => (
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
      <details class="panel">
        <summary>Commits</summary>
        <ol class="commits">
          {history.map(({ version, time, operation, rowsAdded, rowsRemoved, filesAdded, filesRemoved }) => (
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
      </details>
    </>
  );
}

import type { JSX } from 'preact';
import type { FunctionErrors as Errors } from '../action-types.ts';
import type { LetterGroup } from '../api-types.ts';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { count, counted, Loading, Problem, Time } from './parts.tsx';
import { linkTo } from './route.ts';

const MOST_GROUPS = 5;

/** The last errors of a function: attempts that failed, and what became dead letters. */
export function FunctionErrors({
  name,
  groups,
}: {
  name: string;
  groups: readonly LetterGroup[];
}): JSX.Element {
  const { value, problem, reload } = useJson<Errors>('errors', { function: name });
  const reloadSoon = useThrottled(reload, 2_000);
  useFeed((event) => {
    if (event.kind === 'attempt' && event.function === name && !event.isGood) reloadSoon();
    if (event.kind === 'letter') reloadSoon();
  });
  const latest = [...groups].sort((a, b) => (a.lastDiedAt < b.lastDiedAt ? 1 : -1)).slice(0, MOST_GROUPS);
  return (
    <section class="panel">
      <h2>Last errors</h2>
      {problem && <Problem text={problem} onRetry={reload} />}
      {!value && !problem && <Loading />}
      {value?.attempts.length === 0 && latest.length === 0 && (
        <p class="faint">
          None: every delivery of the last 30 days has succeeded, or failed without a record.
        </p>
      )}
      {latest.length > 0 && (
        <ul class="list">
          {latest.map(({ group, pattern, code, letters, lastDiedAt }) => (
            <li key={group}>
              <a class="line" href={linkTo(['letters', group])}>
                <span class="number">{count(letters)}</span>
                <span class="grow">
                  <b class="cut">{pattern}</b>
                  <span class="line-facts">
                    <code>{code}</code> {letters === 1 ? 'dead letter' : 'dead letters'}
                  </span>
                </span>
                <span class="faint">
                  <Time at={lastDiedAt} />
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {value?.attempts.map((attempt) => (
        <details class="attempt" key={`${attempt.eventId} ${attempt.attempt} ${attempt.at}`}>
          <summary>
            <code>{attempt.code}</code> {attempt.message}{' '}
            <span class="faint">
              attempt {attempt.attempt}, <Time at={attempt.at} />
            </span>
          </summary>
          {attempt.correlationId && (
            <p>
              <a href={linkTo(['trace', attempt.correlationId])}>Trace</a>
            </p>
          )}
          <pre>{attempt.stack || attempt.message}</pre>
        </details>
      ))}
      {value && !value.isWhole && (
        <p class="note">The latest of the first {counted(value.looked, 'failed attempt')}; there are more.</p>
      )}
    </section>
  );
}

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { GroupsAnswer, LetterGroup, LettersAnswer } from '../api-types.ts';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { LetterActions } from './letter-actions.tsx';
import { Chip, count, counted, Empty, Head, Loading, Problem, Time } from './parts.tsx';
import { go, linkTo } from './route.ts';
import { Rows } from './rows.tsx';

const STATUSES = ['unsettled', 'all', 'open', 'failed-again', 'replayed', 'resolved', 'discarded'] as const;

/** Groups of dead letters with the same cause, or the letters of one group. */
export function Letters({ group, query }: { group: string; query: URLSearchParams }): JSX.Element {
  const status = query.get('status') ?? (group === '' ? 'unsettled' : 'all');
  return (
    <>
      {group !== '' && (
        <p class="crumbs">
          <a href={linkTo(['letters'])}>Dead letters</a>
        </p>
      )}
      <Head title={group === '' ? 'Dead letters' : `Group ${group}`}>
        <label class="inline">
          Status
          <select
            value={status}
            onChange={(event) =>
              go(group === '' ? ['letters'] : ['letters', group], { status: event.currentTarget.value })
            }
          >
            {STATUSES.map((each) => (
              <option key={each} value={each}>
                {each.replace('-', ' ')}
              </option>
            ))}
          </select>
        </label>
      </Head>
      {group === '' ? <Groups status={status} /> : <Group key={group} group={group} status={status} />}
    </>
  );
}

/** Reloads soon after news of a letter, and rarely without any. */
function useLettersFeed(reload: () => void): void {
  const reloadSoon = useThrottled(reload, 1_000);
  const reloadRarely = useThrottled(reload, 10_000);
  useFeed((event) => {
    if (event.kind === 'letter') reloadSoon();
    if (event.kind === 'tick') reloadRarely();
  });
}

function Groups({ status }: { status: string }): JSX.Element {
  const { value, problem, reload } = useJson<GroupsAnswer>('letters', { status });
  useLettersFeed(reload);
  if (problem) return <Problem text={problem} onRetry={reload} />;
  if (!value) return <Loading />;
  if (value.groups.length === 0) {
    return (
      <Empty title={status === 'unsettled' ? 'Nothing waits for you' : 'There are no such dead letters'}>
        {status === 'unsettled'
          ? 'An event that a function refuses, or gives up on, appears here with its cause.'
          : 'Choose another status above.'}
      </Empty>
    );
  }
  return (
    <>
      <p class="faint">
        {counted(value.total.letters, 'dead letter')} with {counted(value.total.groups, 'cause')}, from{' '}
        {counted(value.read.requests, 'request')} to storage
      </p>
      <ul class="list">
        {value.groups.map((one) => (
          <li key={one.group}>
            <GroupLine group={one} status={status} />
          </li>
        ))}
      </ul>
    </>
  );
}

function GroupLine({ group, status }: { group: LetterGroup; status: string }): JSX.Element {
  return (
    <a class="line" href={linkTo(['letters', group.group], status === 'unsettled' ? {} : { status })}>
      <span class="number">{count(group.letters)}</span>
      <span class="grow">
        <b class="cut">{group.pattern}</b>
        <span class="line-facts">
          <code>{group.code}</code>
          <span>{group.function}</span>
          {Object.entries(group.statuses).map(([each, number]) => (
            <Chip key={each} kind={each}>
              {number} {each.replace('-', ' ')}
            </Chip>
          ))}
        </span>
      </span>
      <span class="faint">
        <Time at={group.lastDiedAt} />
      </span>
    </a>
  );
}

const LINE_PX = 45;

function Group({ group, status }: { group: string; status: string }): JSX.Element {
  const { value, problem, reload } = useJson<LettersAnswer>('letters', { group, status });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  useLettersFeed(reload);
  if (problem) return <Problem text={problem} onRetry={reload} />;
  if (!value) return <Loading />;
  const { cause } = value;
  if (!cause) {
    return (
      <Empty title="This group has no such letters">Choose another status, or go back to all groups.</Empty>
    );
  }
  const toggle = (letter: string): void => {
    const next = new Set(chosen);
    if (!next.delete(letter)) next.add(letter);
    setChosen(next);
  };
  return (
    <>
      <div class="panel">
        <p class="cause">{cause.pattern}</p>
        <p class="line-facts">
          <code>{cause.code}</code> <span>{cause.function}</span>{' '}
          <span>{counted(value.total.letters, 'letter')}</span>{' '}
          <span class="faint">from {counted(value.read.requests, 'request')} to storage</span>
        </p>
        <LetterActions
          names={chosen.size > 0 ? [...chosen] : [group]}
          what={
            chosen.size > 0
              ? `${counted(chosen.size, 'letter')} chosen`
              : 'all unsettled letters of the group'
          }
          onDone={() => {
            setChosen(new Set());
            reload();
          }}
        />
      </div>
      <Rows count={value.letters.length} height={LINE_PX} label="Letters">
        {(index) => {
          const letter = value.letters[index];
          if (!letter) return null;
          return (
            <div class="row" key={letter.letter}>
              <input
                type="checkbox"
                aria-label={`Choose ${letter.letter.slice(0, 12)}`}
                checked={chosen.has(letter.letter)}
                onChange={() => toggle(letter.letter)}
              />
              <a class="row-link" href={linkTo(['letter', letter.letter])}>
                <code>{letter.letter.slice(0, 12)}</code>
                <Chip kind={letter.status}>{letter.status.replace('-', ' ')}</Chip>
                <span class="grow cut">{letter.concern}</span>
                <span class="faint">
                  <Time at={letter.lastDiedAt} />
                </span>
              </a>
              {letter.correlationId && <a href={linkTo(['trace', letter.correlationId])}>Trace</a>}
            </div>
          );
        }}
      </Rows>
    </>
  );
}

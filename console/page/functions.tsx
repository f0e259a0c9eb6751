import type { JSX } from 'preact';
import type { AppAnswer, AppFunction, GroupsAnswer } from '../api-types.ts';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { Chip, counted, Head, Loading, Problem, Time } from './parts.tsx';
import { linkTo } from './route.ts';

/** All functions of the app: what fires each, whether it runs, and what failed. */
export function Functions(): JSX.Element {
  const { value: app, problem, reload } = useJson<AppAnswer>('app');
  const letters = useJson<GroupsAnswer>('letters');
  const reloadSoon = useThrottled(() => {
    reload();
    letters.reload();
  }, 10_000);
  useFeed(reloadSoon);
  if (problem) return <Problem text={problem} onRetry={reload} />;
  if (!app) return <Loading />;
  const always = app.functions.filter(({ option, isRunning }) => option === undefined || isRunning);
  const others = app.functions.filter((one) => !always.includes(one));
  return (
    <>
      <Head title="Functions">
        {app.isLocal && (
          <>
            <a class="button" href={linkTo(['publish'])}>
              Publish an event
            </a>
            <a class="button" href={linkTo(['faults'])}>
              Faults
            </a>
          </>
        )}
      </Head>
      <List functions={always} groups={letters.value?.groups ?? []} />
      {others.length > 0 && (
        <>
          <h2 class="apart">Run only if an option asks for them</h2>
          <List functions={others} groups={letters.value?.groups ?? []} />
        </>
      )}
    </>
  );
}

function List({
  functions,
  groups,
}: {
  functions: readonly AppFunction[];
  groups: GroupsAnswer['groups'];
}): JSX.Element {
  return (
    <ul class="list">
      {functions.map((one) => {
        const waiting = (one.backlog ?? 0) + (one.outstanding ?? 0);
        const dead = groups.filter((group) => group.function === one.name);
        const letters = dead.reduce((sum, group) => sum + group.letters, 0);
        return (
          <li key={one.name}>
            <a class="line function-line" href={linkTo(['function', one.name])}>
              <span class="grow">
                <b class="cut">{one.name}</b>
                <span class="line-facts">{one.trigger}</span>
              </span>
              <span class="line-facts">
                {one.nextTick && one.isRunning !== false && (
                  <span>
                    next <Time at={one.nextTick} />
                  </span>
                )}
                {waiting > 0 && <Chip kind="waiting">{waiting} waiting</Chip>}
                {letters > 0 && <Chip kind="open">{counted(letters, 'dead letter')}</Chip>}
                <State one={one} />
              </span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}

/** Whether it runs, and which option would run it. */
export function State({ one: { option, isRunning } }: { one: AppFunction }): JSX.Element | null {
  if (isRunning) return <Chip kind="framed">running</Chip>;
  if (option !== undefined) return <Chip kind="plain">--{option}</Chip>;
  return isRunning === false ? <Chip kind="plain">not running</Chip> : null;
}

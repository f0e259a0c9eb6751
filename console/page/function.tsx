import type { JSX } from 'preact';
import type { AppAnswer, AppFunction, GroupsAnswer } from '../api-types.ts';
import { FunctionErrors } from './function-errors.tsx';
import { FunctionSettings } from './function-settings.tsx';
import { State } from './functions.tsx';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { Empty, Facts, Head, Loading, Problem } from './parts.tsx';
import { linkTo } from './route.ts';
import { ScheduleClock } from './schedule-clock.tsx';

/** One function: its definition, its schedule, what failed, its roles with their reasons, and its settings. */
export function FunctionPage({ name }: { name: string }): JSX.Element {
  const { value: app, problem, reload } = useJson<AppAnswer>('app');
  const letters = useJson<GroupsAnswer>('letters', { status: 'all' });
  const reloadSoon = useThrottled(reload, 2_000);
  useFeed((event) => {
    if (event.kind === 'attempt' && event.function === name) reloadSoon();
    if (event.kind === 'letter') letters.reload();
  });
  const one = app?.functions.find((each) => each.name === name);
  return (
    <>
      <p class="crumbs">
        <a href={linkTo(['functions'])}>Functions</a>
      </p>
      <Head title={name}>
        {one && <State one={one} />}
        {app?.isLocal && one?.kind === 'messagePublished' && !/^dead-letters/.test(one.from[0] ?? '') && (
          <a class="button" href={linkTo(['publish'], { topic: one.from[0] ?? '' })}>
            Publish an event to it
          </a>
        )}
      </Head>
      {problem && <Problem text={problem} onRetry={reload} />}
      {!app && !problem && <Loading />}
      {app && !one && (
        <Empty title={`The app has no function ${name}`}>
          <a href={linkTo(['functions'])}>See all of them</a>
        </Empty>
      )}
      {app && one && (
        <>
          <Definition one={one} />
          {one.cron !== undefined && <ScheduleClock one={one} isLocal={app.isLocal} onTick={reloadSoon} />}
          <FunctionErrors
            name={name}
            groups={(letters.value?.groups ?? []).filter((group) => group.function === name)}
          />
          <Roles one={one} />
          <FunctionSettings one={one} isLocal={app.isLocal} />
        </>
      )}
    </>
  );
}

function Definition({ one }: { one: AppFunction }): JSX.Element {
  const { trigger, to, memory, cpu, timeoutSeconds, maxInstances, concurrency, deliveries, url } = one;
  const { backlog, outstanding, option } = one;
  return (
    <Facts
      facts={[
        ['fired by', trigger],
        ['may write', to.join(', ') || 'nothing'],
        ['size', `${memory}, ${cpu} CPU`],
        ['timeout', `${timeoutSeconds} s`],
        ['instances', `at most ${maxInstances}, ${concurrency} at a time each`],
        ['deliveries', deliveries === undefined ? 'one: no retries' : `at most ${deliveries}`],
        ...(url === undefined ? [] : [['address', <code key="url">{url}</code>] as [string, JSX.Element]]),
        ...(backlog === undefined
          ? []
          : [['queue', `${backlog} waiting, ${outstanding ?? 0} in flight`] as [string, string]]),
        ...(option === undefined ? [] : [['runs with', `--${option}`] as [string, string]]),
      ]}
    />
  );
}

function Roles({ one: { roles } }: { one: AppFunction }): JSX.Element {
  return (
    <section class="panel">
      <h2>Roles</h2>
      <dl class="pairs">
        {roles.map(({ role, on, reason }) => (
          <div key={`${role} ${on} ${reason}`}>
            <dt>
              <code>{role.replace('roles/', '')}</code>
              <span class="faint"> on {on}</span>
            </dt>
            <dd>{reason}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

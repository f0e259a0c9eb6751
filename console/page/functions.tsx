import type { JSX } from 'preact';
import type { AppAnswer, AppFunction } from '../api-types.ts';
import { useJson } from './hooks.ts';
import { Facts, Head, Loading, Problem } from './parts.tsx';

/** What each function is: its trigger, its size, its roles with their reasons, and its settings. */
export function Functions(): JSX.Element {
  const { value: app, problem, reload } = useJson<AppAnswer>('app');
  if (problem) return <Problem text={problem} onRetry={reload} />;
  if (!app) return <Loading />;
  return (
    <>
      <Head title="Functions" />
      {app.functions.map((one) => (
        <One key={one.name} one={one} />
      ))}
    </>
  );
}

function One({ one }: { one: AppFunction }): JSX.Element {
  const { name, trigger, memory, timeoutSeconds, maxInstances, roles, settings, secrets, to } = one;
  return (
    <section class="panel">
      <h2>{name}</h2>
      <Facts
        facts={[
          ['fired by', trigger],
          ['may write', to.join(', ') || 'nothing'],
          ['memory', memory],
          ['timeout', `${timeoutSeconds} s`],
          ['instances', `at most ${maxInstances}`],
        ]}
      />
      <details>
        <summary>{roles.length} roles</summary>
        <dl class="pairs">
          {roles.map(({ role, on, reason }) => (
            <div key={`${role} ${on} ${reason}`}>
              <dt>
                <code>{role.replace('roles/', '')}</code> on {on}
              </dt>
              <dd>{reason}</dd>
            </div>
          ))}
        </dl>
      </details>
      {settings.length > 0 && (
        <details>
          <summary>{settings.length} settings</summary>
          <dl class="pairs">
            {settings.map(({ name: setting, doc }) => (
              <div key={setting}>
                <dt>
                  <code>{setting}</code>
                </dt>
                <dd>{doc}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
      {secrets.length > 0 && (
        <p class="faint">Secrets: {secrets.join(', ')}. Their values are never shown.</p>
      )}
    </section>
  );
}

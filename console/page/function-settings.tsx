import type { JSX } from 'preact';
import type { AppFunction, FunctionSetting, SettingsAnswer } from '../api-types.ts';
import { useJson } from './hooks.ts';
import { Loading, Marked, Problem } from './parts.tsx';

/** Settings with their values, those that somebody has chosen first. Of secrets, only the names are known. */
export function FunctionSettings({
  one: { name, secrets },
  isLocal,
}: {
  one: AppFunction;
  isLocal: boolean;
}): JSX.Element {
  const { value, problem, reload } = useJson<SettingsAnswer>('settings', { function: name });
  if (problem) return <Problem text={problem} onRetry={reload} />;
  if (!value) return <Loading />;
  const { settings } = value;
  const isKnown = settings.some(({ from }) => from !== 'unknown');
  const chosen = settings.filter(({ from, setBy }) => from === 'given' && setBy === 'operator');
  const wired = settings.filter(({ setBy }) => setBy !== 'operator');
  const others = settings.filter((one) => !chosen.includes(one) && !wired.includes(one));
  return (
    <section class="panel">
      <h2>Settings</h2>
      {!isKnown && (
        <p class="note">
          {isLocal
            ? 'It does not run here: these are the defaults.'
            : 'These are the defaults. The values of a deployed function are on its page in Cloud Run.'}
        </p>
      )}
      {isKnown && chosen.length === 0 && <p class="note">Everything has its default.</p>}
      {chosen.length > 0 && <Pairs settings={chosen} />}
      {secrets.length > 0 && (
        <dl class="pairs">
          {secrets.map((secret) => (
            <div key={secret}>
              <dt>
                <code>{secret}</code>
              </dt>
              <dd class="faint">a secret: its value is never shown</dd>
            </div>
          ))}
        </dl>
      )}
      <details open={!isKnown}>
        <summary>{others.length} with their defaults</summary>
        <Pairs settings={others} />
      </details>
      <details>
        <summary>
          {wired.length} that {isLocal ? 'the local cloud sets' : 'the deployment sets'}
        </summary>
        <Pairs settings={wired} />
      </details>
    </section>
  );
}

function Pairs({ settings }: { settings: readonly FunctionSetting[] }): JSX.Element {
  return (
    <dl class="pairs">
      {settings.map(({ name, value, doc }) => (
        <div key={name}>
          <dt>
            <code>{name}</code>
          </dt>
          <dd>
            <span class="value">
              {value === undefined ? (
                <span class="faint">not set</span>
              ) : (
                <code>{value === '' ? 'empty' : value}</code>
              )}
            </span>
            <span class="faint about">
              <Marked text={doc} />
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

import type { JSX } from 'preact';
import { Empty } from './parts.tsx';

/** Durations of the steps as bars, longest possible bar for the total. */
export function Steps({ timings }: { timings: Readonly<Record<string, number>> }): JSX.Element {
  const { totalMs: total = 0, ...steps } = timings;
  const named = Object.entries(steps);
  if (named.length === 0) return <Empty title="No step was timed" />;
  const longest = Math.max(total, ...named.map(([, ms]) => ms), 1);
  return (
    <dl class="bars">
      {[...named, ['totalMs', total] as const].map(([name, ms]) => (
        <div key={name}>
          <dt>{name.replace(/Ms$/, '')}</dt>
          <dd>
            <span class="bar" style={{ width: `${Math.max(0.5, (ms / longest) * 100)}%` }} />
            <span class="bar-text">
              {ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`}
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

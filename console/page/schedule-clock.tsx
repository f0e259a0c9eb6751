import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { AppFunction } from '../api-types.ts';
import { postJson } from './api.ts';
import { Problem, Time } from './parts.tsx';

/** When a function's schedule fires next. In a local cloud, it can be fired now. */
export function ScheduleClock({
  one,
  isLocal,
  onTick,
}: {
  one: AppFunction;
  isLocal: boolean;
  /** The next tick is over: there is another one. */
  onTick(): void;
}): JSX.Element {
  const [done, setDone] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const now = useSecond();
  useEffect(() => {
    if (one.nextTick && Date.parse(one.nextTick) < now) onTick();
  }, [now]);
  const fire = async (): Promise<void> => {
    setProblem(undefined);
    setDone(undefined);
    try {
      const { topic } = await postJson<{ topic: string }>('fire', { function: one.name });
      setDone(`A tick is published to ${topic}.`);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const isRunning = one.isRunning !== false;
  return (
    <section class="panel" aria-label="Schedule">
      <div class="panel-head">
        <h2>Schedule</h2>
        {isLocal && isRunning && (
          <button type="button" class="button" onClick={fire}>
            Fire now
          </button>
        )}
      </div>
      <p>
        <code>{one.cron}</code> <span class="faint">UTC</span>
        {one.nextTick && isRunning && (
          <>
            , next at <Time at={one.nextTick} /> <span class="faint">({until(one.nextTick, now)})</span>
          </>
        )}
      </p>
      {isLocal && isRunning && (
        <p class="note">Firing it now publishes one more tick, as the schedule does; the next one stays.</p>
      )}
      {!isRunning && <p class="note">It does not run here, so nothing fires it.</p>}
      {done && <p role="status">{done}</p>}
      {problem && <Problem text={problem} />}
    </section>
  );
}

/** Milliseconds since the epoch, each second anew. */
function useSecond(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function until(at: string, now: number): string {
  const seconds = Math.max(0, Math.round((Date.parse(at) - now) / 1_000));
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 3_600) return `in ${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 172_800)
    return `in ${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `in ${Math.floor(seconds / 86_400)} days`;
}

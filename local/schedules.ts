import type { Schedule } from '../shared/app/trigger.ts';
import type { Clock } from '../shared/core/clock.ts';
import { isDue, parseCron } from '../shared/core/cron.ts';

export interface SchedulesOptions {
  schedules: readonly Pick<Schedule, 'cron' | 'topic'>[];
  /** Publishes a tick. A failure is not repeated: the next tick makes up for it. */
  publish(topic: string): Promise<unknown>;
  clock: Clock;
}

const MINUTE_MS = 60_000;
/** A timer may fire a millisecond early. */
const EARLY_MS = 10;
/** For a schedule in a syntax other than Unix cron. */
const OFTEN = '*/5 * * * *';

/**
 * Replaces Cloud Scheduler: at each full minute in UTC, publishes the ticks that are due. Returns a function that stops
 * it.
 */
export function runSchedules({ schedules, publish, clock }: SchedulesOptions): () => void {
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(MINUTE_MS - (clock.now() % MINUTE_MS) + EARLY_MS, stop.signal);
      const minute = Math.floor(clock.now() / MINUTE_MS) * MINUTE_MS;
      for (const { topic } of schedules.filter((one) => hasTick(one, minute))) {
        publish(topic).catch(() => undefined);
      }
    }
  };
  // rejects when it is stopped
  run().catch(() => undefined);
  return () => stop.abort();
}

function hasTick({ cron }: Pick<Schedule, 'cron'>, minute: number): boolean {
  const parsed = parseCron(cron) ?? parseCron(OFTEN);
  return parsed !== undefined && isDue(parsed, minute);
}

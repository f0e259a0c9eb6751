import { randomUUID } from 'node:crypto';
import type { Gemini } from '../../shared/gcp/gemini.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { AppError } from '../../shared/runtime/errors.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { claimSlot, type DailyLimit } from './daily-slots.ts';

/** The guard against runaway cost: nothing is paid for that the day's bounds do not cover. */
export interface DailyBudget {
  /**
   * Counts the video, once a day however often it is delivered. Throws `over-budget`, which is retried and
   * then a dead letter: another day, or a higher bound, has room for it.
   */
  admit(): Promise<void>;
  /** Counts each request before it is sent, those that fail included: they may have been paid for. */
  counted(gemini: Gemini): Gemini;
}

export interface DailyBudgetOptions {
  /** Shared by all instances. */
  state: ObjectStore;
  /** A UTC day's; 0 is no bound. */
  limits: { videos: number; geminiCalls: number };
  /** What names the video and its generation, at most 1 KiB of ASCII. */
  video: string;
  signal?: AbortSignal | undefined;
  clock?: Clock;
}

export function dailyBudget({
  state,
  limits,
  video,
  signal,
  clock = systemClock,
}: DailyBudgetOptions): DailyBudget {
  return {
    admit: () => claim('videos', limits.videos, 'DAILY_VIDEOS', video),
    counted: (gemini) => ({
      async ask(question) {
        await claim('gemini-calls', limits.geminiCalls, 'DAILY_GEMINI_CALLS', `${video}#${randomUUID()}`);
        return gemini.ask(question);
      },
    }),
  };

  async function claim(kind: DailyLimit['kind'], limit: number, name: string, owner: string): Promise<void> {
    if (limit === 0) return;
    const day = new Date(clock.now()).toISOString().slice(0, 10);
    if (await claimSlot(state, { kind, limit, day }, owner, signal)) return;
    throw new AppError(
      'over-budget',
      `the ${limit} ${kind} of ${day} are used up (${name}); the next day begins at 00:00 UTC`,
    );
  }
}

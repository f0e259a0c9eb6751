import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { AppError } from '../../shared/core/errors.ts';
import { quoted } from '../../shared/core/json-value.ts';
import { sha256 } from '../../shared/core/sha256.ts';
import { claimSlot, type Slots } from '../../shared/records/slots.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import type { VisionModel } from '../../shared/vision/vision-model.ts';

/** What the daily limit counts. */
export interface DailyLimit {
  kind: 'videos' | 'gemini-calls';
  /** At least 1. */
  limit: number;
  /** `2026-11-21`, in UTC. */
  day: string;
  /** Prefix of the names that share these slots; undefined if all names share them. */
  prefix?: string;
}

export function dailySlots({ kind, limit, day, prefix }: DailyLimit): Slots {
  if (prefix === undefined) return { folder: `budget/${day}/${kind}/`, limit };
  // hashed: a prefix may be as long as a name and contain any character
  return { folder: `budget/${day}/${kind}-by-prefix/${sha256(prefix).slice(0, 32)}/`, limit };
}

/** Guards against runaway cost: nothing is paid for that exceeds the day's limits. */
export interface DailyBudget {
  /**
   * Counts the video, once a day however often it is delivered. Throws `over-budget`, which is retried and then
   * dead-lettered: another day, or a higher limit, has room for it.
   */
  admit(): Promise<void>;
  /** Counts each request before it is sent, including those that fail: they may be billed. */
  counted(model: VisionModel): VisionModel;
}

/** Limits of a UTC day; 0 means no limit. */
export interface DailyLimits {
  videos: number;
  geminiCalls: number;
  /** The same for names that share a prefix. */
  videosPerPrefix: number;
  geminiCallsPerPrefix: number;
}

export interface DailyBudgetOptions {
  /** Shared by all instances. */
  state: ObjectStore;
  limits: DailyLimits;
  /** The uploader whose share the video counts towards. */
  prefix: string;
  /** Identifies the video and its generation; at most 1 KiB of ASCII. */
  video: string;
  signal?: AbortSignal | undefined;
  clock?: Clock;
}

/**
 * The part of an object's name that identifies its uploader: the first folder (`alice/` of `alice/trip/a.mp4`)
 * below the prefix that all uploads share. Names outside any folder share the empty one.
 */
export function quotaPrefix(name: string, sharedPrefix: string): string {
  const shared = name.startsWith(sharedPrefix) ? sharedPrefix : '';
  const end = name.indexOf('/', shared.length);
  return end < 0 ? shared : name.slice(0, end + 1);
}

export function dailyBudget(options: DailyBudgetOptions): DailyBudget {
  const { state, limits, video, prefix, signal, clock = systemClock } = options;
  return {
    async admit() {
      // the prefix first: an upload over its own limit must not use up the shared one
      await claim(perPrefix('videos', limits.videosPerPrefix), 'DAILY_VIDEOS_PER_PREFIX', video);
      await claim(shared('videos', limits.videos), 'DAILY_VIDEOS', video);
    },
    counted: (model) => ({
      async ask(question) {
        const owner = `${video}#${randomUUID()}`;
        const ofPrefix = perPrefix('gemini-calls', limits.geminiCallsPerPrefix);
        await claim(ofPrefix, 'DAILY_GEMINI_CALLS_PER_PREFIX', owner);
        await claim(shared('gemini-calls', limits.geminiCalls), 'DAILY_GEMINI_CALLS', owner);
        return model.ask(question);
      },
    }),
  };

  function shared(kind: DailyLimit['kind'], limit: number): DailyLimit {
    return { kind, limit, day: new Date(clock.now()).toISOString().slice(0, 10) };
  }

  function perPrefix(kind: DailyLimit['kind'], limit: number): DailyLimit {
    return { ...shared(kind, limit), prefix };
  }

  async function claim(bound: DailyLimit, setting: string, owner: string): Promise<void> {
    const { kind, limit, day } = bound;
    if (limit === 0) return;
    if (await claimSlot(state, dailySlots(bound), owner, signal)) return;
    const whose = bound.prefix === undefined ? '' : ` for names that begin with ${quoted(bound.prefix)}`;
    throw new AppError(
      'over-budget',
      `the limit of ${limit} ${kind} for ${day}${whose} is reached (${setting}); the next day begins at 00:00 UTC`,
    );
  }
}

import type { Metadata } from './actions.ts';

export const DAY_MS = 86_400_000;

/**
 * A snapshot that was not compared with the log for this long, ms, is loaded again. This is far below the shortest
 * retention of commits: after versions that were cleaned up the next one looks free, and what is written there is lost.
 */
export const STALE_MS = 3_600_000;

const UNIT_MS: Record<string, number> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
};

/**
 * Time that removed files stay readable, in ms: `delta.deletedFileRetentionDuration`, at least 7 days; forever if
 * the property cannot be parsed.
 */
export function fileRetentionMs({ configuration }: Pick<Metadata, 'configuration'>): number {
  return Math.max(7 * DAY_MS, intervalMs(configuration['delta.deletedFileRetentionDuration']) ?? 0);
}

/**
 * Time that commits stay, in ms: `delta.logRetentionDuration`, default 30 days, at least one; forever if it cannot
 * be parsed, or with `delta.enableExpiredLogCleanup` off. A writer that slept longer could recreate a version that
 * was cleaned up, and its rows would be invisible.
 */
export function logRetentionMs({ configuration }: Pick<Metadata, 'configuration'>): number {
  const isKept = configuration['delta.enableExpiredLogCleanup']?.toLowerCase() === 'false';
  if (isKept) return Number.POSITIVE_INFINITY;
  return Math.max(DAY_MS, intervalMs(configuration['delta.logRetentionDuration']) ?? 30 * DAY_MS);
}

/** ms of `interval 30 days` or `interval 1 week 2 days`; undefined for no text, infinite for any other text. */
function intervalMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const interval = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, '');
  if (!/^(\d+\s+[a-z]+\s*)+$/.test(interval)) return Number.POSITIVE_INFINITY;
  let total = 0;
  for (const [, count, unit] of interval.matchAll(/(\d+)\s+([a-z]+)/g)) {
    const ms = UNIT_MS[(unit ?? '').replace(/s$/, '')];
    if (ms === undefined) return Number.POSITIVE_INFINITY;
    total += Number(count) * ms;
  }
  return total;
}

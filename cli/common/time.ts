import { parseRfc3339 } from '../../shared/core/rfc3339.ts';
import { quoted, UsageError } from './options.ts';

export const TIME_HELP =
  'a date (2026-11-21), a time (2026-11-21T10:00:00Z), an age (90s, 15m, 2h, 7d, 1w) or now';

const UNIT_MS: Record<string, number> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Microseconds since the epoch. Throws UsageError. */
export function parseTime(option: string, text: string, now: number): bigint {
  const [, amount, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return BigInt(now - Number(amount) * (UNIT_MS[unit] ?? 0)) * 1_000n;
  if (text === 'now') return BigInt(now) * 1_000n;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const micros = parseRfc3339(isDay ? `${text}T00:00:00Z` : text);
  if (micros !== undefined) return micros;
  throw new UsageError(`--${option} must be ${TIME_HELP}, got ${quoted(text)}`);
}

/** From inclusive, to exclusive, in microseconds since the epoch. */
export interface TimeSpan {
  from: bigint | undefined;
  to: bigint | undefined;
}

/** `--since` and `--until`; undefined if neither was given. Throws UsageError. */
export function timeSpan(
  { since, until }: { since?: string | undefined; until?: string | undefined },
  now: number,
): TimeSpan | undefined {
  if (since === undefined && until === undefined) return undefined;
  const from = since === undefined ? undefined : parseTime('since', since, now);
  const to = until === undefined ? undefined : parseTime('until', until, now);
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError(`--since must be before --until, got ${since} and ${until}`);
  }
  return { from, to };
}

/** RFC 3339 in UTC, with microseconds unless they are zero. */
export function formatMicros(micros: bigint): string {
  const rest = ((micros % 1_000n) + 1_000n) % 1_000n;
  const ms = Number((micros - rest) / 1_000n);
  const date = new Date(ms);
  // out of the range of Date
  if (Number.isNaN(date.getTime())) return `${micros} µs`;
  const text = date.toISOString();
  return rest === 0n ? text : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

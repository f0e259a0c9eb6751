/** Longest accepted time, in seconds: 100 hours. */
const LONGEST = 360_000;

/**
 * Parses a model's time to seconds: `MM:SS`, `MM:SS.sss`, `H:MM:SS`, minutes past 59 (`61:05`), and plain seconds
 * (`65`, `65.5`, `65s`, or a number). Undefined for everything else: negative values, non-numbers, over 100 hours,
 * or 60 or more minutes or seconds in a place that allows at most 59.
 */
export function parseTimestamp(value: unknown): number | undefined {
  if (typeof value === 'number') return believable(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const seconds = /^(\d{1,6}(?:\.\d{1,9})?) ?s?$/i.exec(text);
  if (seconds) return believable(Number(seconds[1]));
  const clock = /^(?:(\d{1,3}):)?(\d{1,4}):(\d{2}(?:\.\d{1,9})?)$/.exec(text);
  if (!clock) return undefined;
  const [, hours, minutes, rest] = clock;
  if (Number(rest) >= 60) return undefined;
  if (hours !== undefined && Number(minutes) > 59) return undefined;
  return believable(Number(hours ?? 0) * 3_600 + Number(minutes) * 60 + Number(rest));
}

/** For names: `00m05.300s`. Sorts by time up to 100 minutes, and is safe in any file system. */
export function formatTimestamp(seconds: number): string {
  const total = Math.round(seconds * 1_000);
  const minutes = String(Math.floor(total / 60_000)).padStart(2, '0');
  const whole = String(Math.floor((total % 60_000) / 1_000)).padStart(2, '0');
  const thousandths = String(total % 1_000).padStart(3, '0');
  return `${minutes}m${whole}.${thousandths}s`;
}

function believable(seconds: number): number | undefined {
  return Number.isFinite(seconds) && seconds >= 0 && seconds <= LONGEST ? seconds : undefined;
}

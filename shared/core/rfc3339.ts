const RFC3339 =
  /^\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.(\d+))?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** First of the years 1 to 9999 in UTC, in µs: other engines have no times outside them. */
const FIRST = BigInt(Date.parse('0001-01-01T00:00:00Z')) * 1_000n;
const END = BigInt(Date.parse('9999-12-31T23:59:59Z') + 1_000) * 1_000n;

const MS_PER_400_YEARS = Date.UTC(2400, 0, 1) - Date.UTC(2000, 0, 1);
const ZERO = '0'.charCodeAt(0);

/**
 * Parses an RFC 3339 timestamp to microseconds since the epoch, truncating finer digits; undefined for anything
 * else, including impossible dates and times before the year 1 or after 9999 in UTC.
 */
export function parseRfc3339(text: string): bigint | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const [year, month, day] = [
    twoDigits(text, 0) * 100 + twoDigits(text, 2),
    twoDigits(text, 5) - 1,
    twoDigits(text, 8),
  ];
  // a leap second counts as the following second
  const [hour, minute, second] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)];
  // Date.UTC maps the years 0 to 99 to 1900 to 1999; 400 years repeat the same days
  const shifted = new Date(Date.UTC(year + 400, month, day));
  if (shifted.getUTCMonth() !== month || shifted.getUTCDate() !== day) return undefined;
  const millis = shifted.getTime() - MS_PER_400_YEARS + (hour * 60 + minute) * 60_000 + second * 1_000;
  const zone = text.length - 6;
  const sign = text[zone] === '+' ? 1 : text[zone] === '-' ? -1 : 0;
  const offset =
    sign === 0 ? 0 : sign * (twoDigits(text, zone + 1) * 60 + twoDigits(text, zone + 4)) * 60_000;
  const micros = Number((match[1] ?? '').padEnd(6, '0').slice(0, 6));
  const time = BigInt(millis - offset) * 1_000n + BigInt(micros);
  return time >= FIRST && time < END ? time : undefined;
}

/** Compared to `Number(text.slice(…))`, it allocates nothing; every stored event has two such times. */
function twoDigits(text: string, at: number): number {
  return text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - ZERO * 11;
}

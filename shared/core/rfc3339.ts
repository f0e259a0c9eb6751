const RFC3339 =
  /^\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.(\d+))?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** First of the years 1 to 9999 in UTC, in µs: other engines have no times outside them. */
const FIRST = BigInt(Date.parse('0001-01-01T00:00:00Z')) * 1_000n;
const END = BigInt(Date.parse('9999-12-31T23:59:59Z') + 1_000) * 1_000n;

/**
 * Parses an RFC 3339 timestamp to microseconds since the epoch, truncating finer digits; undefined for anything
 * else, including impossible dates and times before the year 1 or after 9999 in UTC.
 */
export function parseRfc3339(text: string): bigint | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const at = (start: number, length: number): number => Number(text.slice(start, start + length));
  const [month, day] = [at(5, 2) - 1, at(8, 2)];
  const date = new Date(0);
  // Date.UTC maps the years 0 to 99 to 1900 to 1999
  date.setUTCFullYear(at(0, 4), month, day);
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return undefined;
  // a leap second counts as the following second
  date.setUTCHours(at(11, 2), at(14, 2), at(17, 2));
  const zone = text.length - 6;
  const sign = text[zone] === '+' ? 1 : text[zone] === '-' ? -1 : 0;
  const offset = sign === 0 ? 0 : sign * (at(zone + 1, 2) * 60 + at(zone + 4, 2)) * 60_000;
  const micros = Number((match[1] ?? '').padEnd(6, '0').slice(0, 6));
  const time = BigInt(date.getTime() - offset) * 1_000n + BigInt(micros);
  return time >= FIRST && time < END ? time : undefined;
}

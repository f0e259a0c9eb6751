/** A Unix cron schedule: the values that each field allows. */
export interface Cron {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  /** 0 is Sunday. */
  weekdays: ReadonlySet<number>;
  /** True if either of the two fields of days is enough, as cron does when both are restricted. */
  isEitherDay: boolean;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Undefined if it is not valid: https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules */
export function parseCron(text: string): Cron | undefined {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  const minutes = valuesOf(minute, 0, 59);
  const hours = valuesOf(hour, 0, 23);
  const days = valuesOf(day, 1, 31);
  const months = valuesOf(month, 1, 12, MONTHS);
  // 7 is Sunday, too
  const weekdays = valuesOf(weekday, 0, 7, WEEKDAYS);
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  if (weekdays.has(7)) weekdays.add(0);
  return { minutes, hours, days, months, weekdays, isEitherDay: day !== '*' && weekday !== '*' };
}

/** True if the schedule has a tick in this minute, in UTC. `ms` since the epoch. */
export function isDue(cron: Cron, ms: number): boolean {
  const at = new Date(ms);
  return cron.minutes.has(at.getUTCMinutes()) && cron.hours.has(at.getUTCHours()) && hasDay(cron, at);
}

const DAY_MS = 86_400_000;
/** Two leap days can be eight years apart. */
const MOST_DAYS = 8 * 366;

/** The first tick after a time, both in ms since the epoch; undefined for a date that never comes, as 30 February. */
export function nextTick(cron: Cron, after: number): number | undefined {
  const today = Math.floor(after / DAY_MS) * DAY_MS;
  const minutes = [...cron.hours].flatMap((hour) => [...cron.minutes].map((minute) => hour * 60 + minute));
  minutes.sort((a, b) => a - b);
  for (let day = today; day <= today + MOST_DAYS * DAY_MS; day += DAY_MS) {
    if (!hasDay(cron, new Date(day))) continue;
    const found = minutes.map((minute) => day + minute * 60_000).find((at) => at > after);
    if (found !== undefined) return found;
  }
  return undefined;
}

function hasDay({ days, months, weekdays, isEitherDay }: Cron, at: Date): boolean {
  if (!months.has(at.getUTCMonth() + 1)) return false;
  const [isDay, isWeekday] = [days.has(at.getUTCDate()), weekdays.has(at.getUTCDay())];
  return isEitherDay ? isDay || isWeekday : isDay && isWeekday;
}

/** `names` stand for the values from `min` on. */
function valuesOf(
  field: string,
  min: number,
  max: number,
  names: readonly string[] = [],
): Set<number> | undefined {
  const numberOf = (text: string): number => {
    const name = names.indexOf(text.toLowerCase());
    if (name >= 0) return name + min;
    return /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  };
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [, range = '', step = '1'] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(part) ?? [];
    const [first = '', last = first] = range === '*' ? [String(min), String(max)] : range.split('-');
    const [from, to, by] = [numberOf(first), numberOf(last), Number(step)];
    if (!(from >= min && from <= to && to <= max && by >= 1)) return undefined;
    for (let value = from; value <= to; value += by) values.add(value);
  }
  return values;
}

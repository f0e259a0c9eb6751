import type { Condition, Filter } from '../../shared/delta/index.ts';
import { oneOf, quoted, UsageError } from '../common/options.ts';
import { TIME_HELP, timeSpan } from '../common/time.ts';

export const FILTER_OPTIONS = {
  type: { type: 'string', multiple: true },
  source: { type: 'string', multiple: true },
  subject: { type: 'string', multiple: true },
  'correlation-id': { type: 'string', multiple: true },
  'trace-id': { type: 'string', multiple: true },
  'ce-id': { type: 'string', multiple: true },
  id: { type: 'string', multiple: true },
  since: { type: 'string' },
  until: { type: 'string' },
  by: { type: 'string', default: 'time' },
} as const;

export const FILTER_HELP = `  --type TEXT        events of this type; --source, --subject, --correlation-id, --trace-id and --ce-id
                     likewise. If repeated, any of the values matches
  --id ID            the event with this event_id, or the beginning of it (8 digits or more)
  --since TIME       events at this time or later
  --until TIME       events before this time
  --by COLUMN        the time that --since and --until apply to: time (the producer's; the default; plain JSON has
                     none), publish_time or ingest_time
                     A TIME is ${TIME_HELP}
`;

export interface FilterValues {
  type?: string[] | undefined;
  source?: string[] | undefined;
  subject?: string[] | undefined;
  'correlation-id'?: string[] | undefined;
  'trace-id'?: string[] | undefined;
  'ce-id'?: string[] | undefined;
  id?: string[] | undefined;
  since?: string | undefined;
  until?: string | undefined;
  by: string;
}

const TIMES = ['time', 'publish_time', 'ingest_time'] as const;
const TEXTS = {
  type: 'type',
  source: 'source',
  subject: 'subject',
  'correlation-id': 'correlation_id',
  'trace-id': 'trace_id',
  'ce-id': 'ce_id',
} as const;

/**
 * Throws UsageError.
 * @param now time that `2h` is relative to, in milliseconds since the epoch
 */
export function toFilter(values: FilterValues, now: number): Filter {
  const filter: Record<string, Condition> = {};
  for (const [option, column] of Object.entries(TEXTS)) {
    const texts = values[option as keyof typeof TEXTS];
    if (texts?.includes('')) throw new UsageError(`--${option} must not be empty`);
    if (texts) filter[column] = { in: texts };
  }
  if (values.id) filter['event_id'] = idCondition(values.id);
  const span = timeSpan(values, now);
  const by = oneOf('by', values.by, TIMES);
  if (span) {
    filter[by] = {
      ...(span.from !== undefined && { gte: span.from }),
      ...(span.to !== undefined && { lt: span.to }),
    };
  }
  return filter;
}

function idCondition(given: readonly string[]): Condition {
  const ids = given.map((id) => id.toLowerCase());
  const wrong = ids.find((id) => !/^[0-9a-f]{8,64}$/.test(id));
  if (wrong !== undefined) throw new UsageError(`--id must be 8 to 64 hex digits, got ${quoted(wrong)}`);
  const [start = ''] = ids;
  if (ids.every((id) => id.length === 64)) return { in: ids };
  if (ids.length > 1) throw new UsageError('a repeated --id must be a whole id of 64 hex digits');
  // greater than any hex digit
  return { gte: start, lt: `${start}g` };
}

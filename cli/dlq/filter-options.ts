import type { LetterStatus, LetterSummary } from '../../shared/dead-letters/records.ts';
import { oneOf, quoted, UsageError } from '../common/options.ts';
import { TIME_HELP, timeSpan } from '../common/time.ts';

/** All statuses, in display order. */
export const STATUSES: readonly LetterStatus[] = [
  'open',
  'failed-again',
  'replayed',
  'resolved',
  'discarded',
];
/** Statuses that still need an action or an outcome. */
export const UNSETTLED: readonly LetterStatus[] = ['open', 'failed-again', 'replayed'];

export const FILTER_OPTIONS = {
  status: { type: 'string', multiple: true },
  function: { type: 'string', multiple: true },
  code: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
  since: { type: 'string' },
  until: { type: 'string' },
} as const;

export const FILTER_HELP = `  --status STATUS    open, failed-again, replayed (no outcome yet), resolved, discarded or all (default: the first
                     three). May be repeated, as may --function, --code and --group: any of them matches
  --function NAME    of this function
  --code CODE        with this error code
  --group ID         of this group; the first 4 digits or more are enough
  --since TIME       whose last death was at this time or later
  --until TIME       whose last death was before this time
                     A TIME is ${TIME_HELP}
`;

export interface FilterValues {
  status?: string[] | undefined;
  function?: string[] | undefined;
  code?: string[] | undefined;
  group?: string[] | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

export interface LetterFilter {
  /** Undefined if the command's default applies. */
  statuses: readonly LetterStatus[] | undefined;
  /** Checks everything but the status. */
  matches(letter: LetterSummary): boolean;
  /** True if no filter was given. */
  isEmpty: boolean;
}

/**
 * Throws UsageError.
 * @param now time that `2h` is relative to, in milliseconds since the epoch
 */
export function toFilter(values: FilterValues, now: number): LetterFilter {
  const statuses = values.status?.flatMap((text) => {
    const status = oneOf('status', text, [...STATUSES, 'all'] as const);
    return status === 'all' ? STATUSES : [status];
  });
  const functions = texts('function', values.function);
  const codes = texts('code', values.code);
  const groups = values.group?.map(groupStart);
  const span = timeSpan(values, now);
  return {
    statuses,
    isEmpty: [statuses, functions, codes, groups, span].every((part) => part === undefined),
    matches(letter) {
      if (functions && !functions.includes(letter.function)) return false;
      if (codes && !codes.includes(letter.code)) return false;
      if (groups && !groups.some((start) => letter.group.startsWith(start))) return false;
      if (!span) return true;
      const at = BigInt(Date.parse(letter.lastDiedAt) || 0) * 1_000n;
      return (span.from === undefined || at >= span.from) && (span.to === undefined || at < span.to);
    },
  };
}

function texts(option: string, given: string[] | undefined): string[] | undefined {
  if (given?.includes('')) throw new UsageError(`--${option} must not be empty`);
  return given;
}

function groupStart(text: string): string {
  const start = text.toLowerCase();
  if (/^[0-9a-f]{4,12}$/.test(start)) return start;
  throw new UsageError(`--group must be 4 to 12 hex digits, got ${quoted(text)}`);
}

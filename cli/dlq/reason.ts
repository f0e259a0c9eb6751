import { quoted, UsageError } from '../common/options.ts';

const MAX_REASON = 1_000;

/** Parses the value of --reason. Throws UsageError. */
export function parseReason(text: string | undefined, missing = '--reason must be given'): string {
  const reason = text?.trim();
  if (reason === undefined) throw new UsageError(missing);
  if (reason === '' || reason.length > MAX_REASON) {
    throw new UsageError(`--reason must be 1 to ${MAX_REASON} characters, got ${quoted(reason)}`);
  }
  return reason;
}

import { quoted, UsageError } from '../common/options.ts';

const MAX_REASON = 1_000;

/** The value of --reason, for whoever asks later. Throws UsageError. */
export function parseReason(text: string | undefined, missing = '--reason is missing: why?'): string {
  const reason = text?.trim();
  if (reason === undefined) throw new UsageError(missing);
  if (reason === '' || reason.length > MAX_REASON) {
    throw new UsageError(`--reason is ${quoted(reason)}; 1 to ${MAX_REASON} characters are allowed`);
  }
  return reason;
}

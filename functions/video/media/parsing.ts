import { AppError } from '../../../shared/core/errors.ts';

/**
 * Runs a parser of untrusted bytes. Parsers check sizes before they read; a missing check shows as a read past the
 * end, which is the file's fault and not worth a retry: a `RangeError` becomes `corrupt-media`.
 */
export function parsing<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AppError('corrupt-media', `the ${what} is damaged: a box or table is too short`, {
      cause: error,
    });
  }
}

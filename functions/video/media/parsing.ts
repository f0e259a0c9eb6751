import { AppError } from '../../../shared/core/errors.ts';

/**
 * Runs a parser of untrusted bytes. Parsers check sizes before they read; what one of them forgot is a read past
 * the end, which is the file's fault and not worth another attempt: a `RangeError` becomes `corrupt-media`.
 */
export function parsing<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AppError(
      'corrupt-media',
      `the ${what} is damaged: a box or table is shorter than it has to be`,
      {
        cause: error,
      },
    );
  }
}

import { AppError, type AppErrorOptions } from '../core/errors.ts';
import type { TokenCounts } from './vision-model.ts';

/** A billed answer that cannot be used: `malformed-answer` or `blocked`, with its cost. */
export class UnusableAnswer extends AppError {
  constructor(
    code: 'malformed-answer' | 'blocked',
    message: string,
    readonly tokens: TokenCounts,
    options: AppErrorOptions = {},
  ) {
    super(code, message, options);
  }
}

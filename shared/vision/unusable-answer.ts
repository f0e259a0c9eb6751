import { AppError, type AppErrorOptions } from '../core/errors.ts';
import type { TokenCounts } from './vision-model.ts';

/** An answer that came, was paid for and cannot be used: `malformed-answer` or `blocked`, with what it cost. */
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

/**
 * One error class with closed codes, to which an app adds refusals of its own. The code says who acts: a refused event is settled at once and never retried;
 * a retryable one is thrown, so that the platform redelivers it with backoff.
 */
const REFUSED = [
  'invalid-event',
  'not-json',
  'too-deep',
  'unsupported-media',
  'empty-object',
  'too-large',
  'too-long',
  'too-short',
  'too-costly',
  'corrupt-media',
  'object-gone',
  'superseded',
  'blocked',
  'schema-violation',
  'unknown-type',
  'invalid-metadata',
  'outside-prefix',
  'loop',
  'too-many-events',
  'effect-unknown',
] as const;

const RETRYABLE = [
  'unavailable',
  'quota',
  'timeout',
  'busy',
  'denied',
  'not-found-yet',
  'malformed-answer',
  'over-budget',
  'invalid-config',
  'internal',
] as const;

export type RefusalCode = (typeof REFUSED)[number] | AppRefusalCode;
export type RetryableCode = (typeof RETRYABLE)[number];
export type ErrorCode = RefusalCode | RetryableCode;
/** A refusal of an app's own. Its function says in `refusals` what to do about it. */
export type AppRefusalCode = `app-${string}`;

const refused: ReadonlySet<string> = new Set(REFUSED);

export interface AppErrorOptions {
  cause?: unknown;
  /** The offending value. It may be personal data: only a debug log line shows it. */
  found?: unknown;
}

export class AppError extends Error {
  override readonly name = 'AppError';
  // private, so that printing the whole error does not reveal it
  readonly #found: unknown;

  /**
   * `message` says what was expected and what was found, by place, type and size. It is logged, published and
   * stored, so it must not contain values of an event's data.
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    { found, ...options }: AppErrorOptions = {},
  ) {
    super(message, options);
    this.#found = found;
  }

  get found(): unknown {
    return this.#found;
  }

  /** True if another delivery of the same event could end differently. */
  get retryable(): boolean {
    return !refused.has(this.code) && !isAppCode(this.code);
  }
}

/** A refusal: the event itself is at fault, so a retry cannot help. */
export function isRefusal(error: unknown): error is AppError & { code: RefusalCode } {
  return error instanceof AppError && !error.retryable;
}

export const isAppCode = (code: string): code is AppRefusalCode => code.startsWith('app-');

/** Wraps anything thrown as an AppError; unknown errors count as retryable. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AppError('internal', message, { cause: error });
}

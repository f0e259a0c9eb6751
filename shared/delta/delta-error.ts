/** Says who has to act: the table's owner, the caller, or no one, if time helps. */
export type DeltaErrorCode =
  | 'corrupt-table' // the log or a data file breaks the protocol
  | 'unsupported-table' // a valid table, but one that asks for more than this library does
  | 'table-not-found'
  | 'table-exists'
  | 'version-not-found'
  | 'schema-mismatch' // a row, or a column asked for, that does not fit the table's schema
  | 'metadata-changed' // protocol or metadata changed under a write: look again, then decide
  | 'unsettled' // storage never said whether a commit was written
  | 'closed'; // the appender has been closed

const RETRYABLE: ReadonlySet<DeltaErrorCode> = new Set(['metadata-changed', 'unsettled', 'closed']);

/** The one error class of this library. `message` says what was found and what is allowed. */
export class DeltaError extends Error {
  override readonly name = 'DeltaError';

  constructor(
    readonly code: DeltaErrorCode,
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }

  /** True if the same call could end differently later. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }
}

export function corrupt(message: string, cause?: unknown): DeltaError {
  return new DeltaError('corrupt-table', message, cause === undefined ? {} : { cause });
}

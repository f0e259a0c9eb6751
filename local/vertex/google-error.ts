const STATUS_CODES = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const;

export type GoogleStatus = keyof typeof STATUS_CODES;

/** An error in the form of all Google APIs. */
export class GoogleError extends Error {
  readonly code: number;

  constructor(
    readonly status: GoogleStatus,
    message: string,
  ) {
    super(message);
    this.code = STATUS_CODES[status];
  }

  get body(): { error: { code: number; message: string; status: GoogleStatus } } {
    return { error: { code: this.code, message: this.message, status: this.status } };
  }
}

/** Google's canonical codes used by this API, with their HTTP statuses. */
const STATUS = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const;

export type Code = keyof typeof STATUS;

/** An error in the form of google.rpc.Status; `message` names what was found and what was allowed. */
export class PubsubError extends Error {
  constructor(
    readonly code: Code,
    message: string,
    /** Path of the invalid field of the request. */
    readonly field?: string,
    readonly httpStatus: number = STATUS[code],
  ) {
    super(message);
  }

  body(): Buffer {
    const details = this.field !== undefined && {
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [{ field: this.field, description: this.message }],
        },
      ],
    };
    return Buffer.from(
      JSON.stringify({
        error: { code: this.httpStatus, message: this.message, status: this.code, ...details },
      }),
    );
  }
}

export const invalid = (message: string, field?: string): PubsubError =>
  new PubsubError('INVALID_ARGUMENT', message, field);

export const notFound = (name: string): PubsubError =>
  new PubsubError('NOT_FOUND', `Resource not found (resource=${lastPart(name)}).`);

export const alreadyExists = (name: string): PubsubError =>
  new PubsubError('ALREADY_EXISTS', `Resource already exists in the project (resource=${lastPart(name)}).`);

/** The canonical code of an HTTP status, for injected faults. */
export function codeOf(httpStatus: number): Code {
  const found = (Object.entries(STATUS) as [Code, number][]).find(([, status]) => status === httpStatus);
  return found?.[0] ?? (httpStatus >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT');
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

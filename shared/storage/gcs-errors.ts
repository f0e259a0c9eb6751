import { AppError, type ErrorCode } from '../core/errors.ts';

/** From the library that fetches tokens, whatever the status of its own request. */
const NO_CREDENTIALS = /could not load the default credentials|invalid_grant|could not refresh access token/i;

/** A failure as the client library reports it. */
interface ClientFailure {
  code?: unknown;
  status?: unknown;
  type?: unknown;
  message?: unknown;
  errors?: unknown;
}

/** HTTP status of a failed call, or undefined if there was no response. */
export function statusOf(error: unknown): number | undefined {
  const { code, status } = (error ?? {}) as ClientFailure;
  for (const value of [code, status]) {
    const number = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && number >= 100 && number < 600) return number;
  }
  return undefined;
}

/** Cloud Storage answers 404 for a missing object and for a missing bucket; only the text says which. */
export function isMissingBucket(error: unknown): boolean {
  return statusOf(error) === 404 && /^the specified bucket does not exist/i.test(messageOf(error));
}

/** `what` names the call: `read gs://bucket/name`. */
export function toStorageError(error: unknown, what: string, bucket: string): AppError {
  if (error instanceof AppError) return error;
  const status = statusOf(error);
  const found = `${what}: ${status === undefined ? '' : `${status}: `}${messageOf(error)}`;
  const options = { cause: error };
  if (isMissingBucket(error)) {
    return new AppError('invalid-config', `bucket ${bucket} does not exist (${what})`, options);
  }
  if (NO_CREDENTIALS.test(messageOf(error))) return new AppError('denied', found, options);
  if (status === 403 && isRateLimit(error)) return new AppError('quota', found, options);
  if (status === 403) {
    // without permission to list, a missing object is answered with 403 instead of 404
    return new AppError('denied', `${found}: grant a role on gs://${bucket} that allows it`, options);
  }
  return new AppError(status === undefined ? codeWithoutAnswer(error) : codeOfStatus(status), found, options);
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 429) return 'quota';
  if (status === 401) return 'denied';
  if (status === 504) return 'timeout';
  // 409: another change of the same object is under way
  if (status === 408 || status === 409 || status >= 500) return 'unavailable';
  return 'internal';
}

/** Some limits are answered with 403 and a reason. */
function isRateLimit(error: unknown): boolean {
  const { errors } = (error ?? {}) as ClientFailure;
  return (
    Array.isArray(errors) &&
    errors.some((one) => /rateLimitExceeded|quotaExceeded/i.test(String(one?.reason)))
  );
}

function codeWithoutAnswer(error: unknown): ErrorCode {
  const { code, type } = (error ?? {}) as ClientFailure;
  if (type === 'request-timeout' || type === 'body-timeout' || code === 'ETIMEDOUT') return 'timeout';
  if (type === 'system' || type === 'invalid-json' || typeof code === 'string') return 'unavailable';
  const message = messageOf(error);
  if (/premature close|socket hang up|aborted|terminated|invalid response body/i.test(message))
    return 'unavailable';
  return 'internal';
}

function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as ClientFailure;
  return String(message ?? error).slice(0, 500);
}

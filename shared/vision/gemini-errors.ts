import { AppError, type ErrorCode } from '../core/errors.ts';

/** Facts about a failed call, collected from its SDK's chain of causes. */
interface Failure {
  httpStatus: number | undefined;
  /** Google's canonical code: `FAILED_PRECONDITION`. */
  status: string | undefined;
  /** Node's or undici's code of a broken connection: `ECONNRESET`. */
  networkCode: string | undefined;
  authentication: boolean;
  /** The response was not complete JSON: fetch failed, or it was a proxy's HTML or a truncated body. */
  broken: boolean;
  message: string;
}

/**
 * Converts anything an SDK threw to the AppError of the Gemini interface. `@google-cloud/vertexai` keeps a 4xx in
 * the cause (GoogleApiError) and a 5xx only in its message; `@google/genai` throws ApiError with `status`.
 */
export function geminiError(thrown: unknown, asked: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const failure = describe(thrown);
  const found = failure.httpStatus ?? failure.networkCode ?? 'no status';
  const message = `${asked}: ${found}: ${plain(failure.message).slice(0, 500)}`;
  return new AppError(codeOf(failure), message, { cause: thrown });
}

/** The reason of an abort, as a retryable `timeout` unless it is an AppError already. */
export function abortError(signal: AbortSignal): AppError {
  const reason: unknown = signal.reason;
  if (reason instanceof AppError) return reason;
  return new AppError('timeout', 'Gemini had not answered when the attempt ended', { cause: reason });
}

/**
 * Settles as `work` does, or with a `timeout` as soon as the signal aborts; `work` then continues, its outcome
 * ignored. Afterwards the signal passed to `work` loses its listener, as some SDKs do not remove theirs.
 */
export async function untilAborted<T>(
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw abortError(signal);
  const inner = new AbortController();
  if (!signal) return work(inner.signal);
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(abortError(signal));
      inner.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(inner.signal), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function codeOf(failure: Failure): ErrorCode {
  const { httpStatus, status, message } = failure;
  if (httpStatus === 429 || status === 'RESOURCE_EXHAUSTED') return 'quota';
  if (httpStatus === 401 || httpStatus === 403) return 'denied';
  // the first gs:// request of a project: its service agents are still being created
  if (status === 'FAILED_PRECONDITION') return 'unavailable';
  // 404 means the model or location, or the object to be read
  if (httpStatus === 404) return /gs:\/\/|\bobject\b/i.test(message) ? 'not-found-yet' : 'invalid-config';
  if (httpStatus === 408 || httpStatus === 504) return 'timeout';
  if (httpStatus === 400) return codeOfBadRequest(message);
  if (httpStatus !== undefined && httpStatus >= 500) return 'unavailable';
  if (failure.networkCode !== undefined) return 'unavailable';
  if (failure.authentication) return 'denied';
  if (failure.broken) return 'unavailable';
  return 'internal';
}

function codeOfBadRequest(message: string): ErrorCode {
  if (/token count/i.test(message) && /exceed/i.test(message)) return 'too-long';
  if (/unable to process input|unsupported (mime|file)|not a valid (video|image)/i.test(message)) {
    return 'unsupported-media';
  }
  return 'invalid-config';
}

function describe(thrown: unknown): Failure {
  const failure: Failure = {
    httpStatus: undefined,
    status: undefined,
    networkCode: undefined,
    authentication: false,
    broken: false,
    message: thrown instanceof Error ? thrown.message : String(thrown),
  };
  let error: unknown = thrown;
  for (let depth = 0; depth < 6 && error instanceof Error; depth++, error = error.cause) {
    const fields = error as Error & { code?: unknown; status?: unknown };
    if (failure.httpStatus === undefined) failure.httpStatus = httpStatusIn(fields);
    if (typeof fields.status === 'string') failure.status = fields.status;
    failure.status ??= /"status":\s*"([A-Z_]+)"/.exec(fields.message)?.[1];
    if (
      typeof fields.code === 'string' &&
      /^(E[A-Z]+|UND_ERR_\w+|ERR_TLS_\w+|ERR_SSL_\w+)$/.test(fields.code)
    ) {
      failure.networkCode ??= fields.code;
    }
    if (/default credentials|authenticate your request|access token/i.test(fields.message)) {
      failure.authentication = true;
    }
    if (error instanceof SyntaxError || error instanceof TypeError) failure.broken = true;
    if (error.cause instanceof Error && failure.networkCode === undefined) failure.message = deepest(error);
  }
  return failure;
}

function httpStatusIn(error: Error & { code?: unknown; status?: unknown }): number | undefined {
  for (const value of [error.status, error.code]) {
    if (typeof value === 'number' && value >= 400 && value < 600) return value;
  }
  const status = /got status: (\d{3})/.exec(error.message)?.[1];
  return status === undefined ? undefined : Number(status);
}

function deepest(error: Error): string {
  let last = error;
  while (last.cause instanceof Error) last = last.cause;
  return last.message || error.message;
}

/** Both SDKs put the service's JSON into their messages: extract its text. */
function plain(message: string): string {
  const said = /"message":\s*("(?:[^"\\]|\\.)*")/.exec(message)?.[1];
  return said === undefined ? message : String(JSON.parse(said));
}

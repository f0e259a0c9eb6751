import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type AppError, type ErrorCode, isRefusal } from '../core/errors.ts';

/** An answer of an HTTP function. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** JSON; undefined for an answer without a body. */
  body: unknown;
}

/** An answer with JSON that no cache keeps. */
export function jsonAnswer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const json = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { status, headers: { ...headers, ...json }, body };
}

/** One fault of a request's body. */
export interface Fault {
  /** Such as `must be an email address, got 3 characters`. */
  detail: string;
  /** Where: a JSON Pointer as a URI fragment, such as `#/address/city`. */
  pointer: string;
}

export interface ProblemOptions {
  /** What the caller can change, in a sentence. Never what helps to forge a request, and never a stack. */
  detail?: string;
  /** All faults of the body, so that its sender mends them at once. */
  errors?: readonly Fault[];
  headers?: Readonly<Record<string, string>>;
}

/** Names that Node has from older documents. */
const TITLES: Readonly<Record<number, string>> = { 413: 'Content Too Large', 422: 'Unprocessable Content' };

/**
 * An answer to a request that is not served: problem details for HTTP APIs,
 * https://www.rfc-editor.org/rfc/rfc9457. Its title is the name of the status.
 *
 * @example sendAnswer(response, problem(400, { errors: [{ detail: 'must be text, got 7', pointer: '#/name' }] }))
 */
export function problem(status: number, { detail, errors, headers = {} }: ProblemOptions = {}): Answer {
  const title = TITLES[status] ?? STATUS_CODES[status] ?? 'Unknown Error';
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: {
      type: 'about:blank',
      title,
      status,
      ...(detail !== undefined && { detail }),
      ...(errors !== undefined && { errors }),
    },
  };
}

const REFUSED: Partial<Record<ErrorCode, number>> = { 'too-large': 413, 'unsupported-media': 415 };

/** Seconds after which the sender may try again. */
const RETRY_SECONDS = { quota: '5', other: '10' };

/** A refusal is the sender's fault, and its message names places and sizes only; anything else is ours. */
export function problemOf(error: AppError): Answer {
  const { code, message } = error;
  if (isRefusal(error)) return problem(REFUSED[code] ?? 400, { detail: message });
  return code === 'quota'
    ? problem(429, { headers: { 'retry-after': RETRY_SECONDS.quota } })
    : problem(503, { headers: { 'retry-after': RETRY_SECONDS.other } });
}

/** Sends the whole answer and ends the response. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

import { type ServerResponse, STATUS_CODES } from 'node:http';

/** An answer of an HTTP function. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** JSON; undefined for an answer without a body. */
  body: unknown;
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

/** Sends the whole answer and ends the response. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

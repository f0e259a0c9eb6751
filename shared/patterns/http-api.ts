import { AppError, toAppError } from '../core/errors.ts';
import { deadline } from '../core/retry.ts';

export interface ApiRequest {
  /** Name of the service, for messages. */
  service: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
  /** Time limit, in ms. Default 10,000. */
  timeoutMs?: number;
  signal: AbortSignal;
}

/** What the service said about this request: 2xx, or a 4xx that a retry does not change. */
export interface ApiAnswer {
  ok: boolean;
  status: number;
  /** JSON; undefined for anything else. */
  body: unknown;
}

/** Bytes of an answer. */
const MAX_ANSWER = 1024 * 1024;

/**
 * One call of a JSON API, without retries: the delivery is retried as a whole. Throws `quota` (429), `unavailable`
 * (408, 425, 5xx, broken connection, redirection), `timeout` and `denied` (401, 403), all of which are retryable. Every
 * other answer is a value, since only the caller knows what it means for the event.
 *
 * @example
 * const { ok, status } = await callApi({ service: 'CRM', method: 'PUT', url, body: contact, signal });
 * if (!ok) throw new AppError('app-contact-refused', `CRM must accept the contact, got ${status}`);
 */
export async function callApi(request: ApiRequest): Promise<ApiAnswer> {
  const { service, method, url, headers, body, timeoutMs = 10_000, signal } = request;
  const limit = deadline(timeoutMs, signal);
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // another host must not get the key
      redirect: 'manual',
      signal: limit.signal,
    });
    const text = await textOf(response, service);
    const { status } = response;
    const code = codeOf(status);
    if (code !== undefined) throw new AppError(code, `${service} answered ${status}`);
    return { ok: response.ok, status, body: parsed(text) };
  } catch (error) {
    if (signal.aborted) throw toAppError(signal.reason);
    if (limit.signal.aborted) throw new AppError('timeout', `${service}: no answer within ${timeoutMs} ms`);
    if (error instanceof AppError) throw error;
    throw new AppError('unavailable', `${service} cannot be reached: ${messageOf(error)}`, { cause: error });
  } finally {
    limit.clear();
  }
}

function codeOf(status: number): 'quota' | 'denied' | 'unavailable' | undefined {
  if (status === 429) return 'quota';
  if (status === 401 || status === 403) return 'denied';
  const isOdd = status < 200 || (status >= 300 && status < 400);
  return isOdd || status === 408 || status === 425 || status >= 500 ? 'unavailable' : undefined;
}

async function textOf({ body, headers }: Response, service: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER) {
      throw new AppError('malformed-answer', `${service}: answer must have at most ${MAX_ANSWER} bytes`);
    }
    chunks.push(chunk);
  }
  const isJson = /[/+]json\b/.test(headers.get('content-type') ?? '');
  return isJson ? Buffer.concat(chunks).toString() : '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch keeps the reason in the cause. */
function messageOf(error: unknown): string {
  const { cause, message = String(error) } = (error ?? {}) as { cause?: unknown; message?: string };
  return cause instanceof Error ? cause.message : message;
}

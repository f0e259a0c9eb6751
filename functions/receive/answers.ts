import { type AppError, type ErrorCode, isRefusal } from '../../shared/core/errors.ts';
import type { Verdict } from './authenticate.ts';

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** JSON; undefined for an answer without a body. */
  body: unknown;
  /** Word for the log: why a request was refused. Never sent. */
  reason?: string;
}

export function accepted(body: unknown): Answer {
  return { status: 200, headers: JSON_BODY, body };
}

/** RFC 9457. `detail` says what the sender can change, and nothing that helps to forge a request. */
function problem(
  status: number,
  title: string,
  options: { detail?: string; reason: string; headers?: Record<string, string> },
): Answer {
  const { detail, reason, headers = {} } = options;
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: { type: 'about:blank', title, status, ...(detail !== undefined && { detail }) },
    reason,
  };
}

const JSON_BODY = { 'content-type': 'application/json', 'cache-control': 'no-store' };
const ALLOW = { allow: 'POST, OPTIONS' };

export const NOT_FOUND: Answer = problem(404, 'Not Found', {
  detail: 'no such source',
  reason: 'unknown-source',
});

export const NOT_ALLOWED: Answer = problem(405, 'Method Not Allowed', {
  detail: 'POST delivers an event',
  reason: 'method',
  headers: ALLOW,
});

/** The same for every verdict: only the log tells them apart. */
export function unauthorized(verdict: Exclude<Verdict, 'valid'>): Answer {
  return problem(401, 'Unauthorized', {
    detail: 'the key or signature of the request is not valid',
    reason: verdict,
    // RFC 9110 requires a challenge
    headers: { 'www-authenticate': 'Webhook realm="receiveEvent"' },
  });
}

export function tooLarge(bytes: number, maxBytes: number): Answer {
  return problem(413, 'Content Too Large', {
    detail: `body must have at most ${maxBytes} bytes, got ${bytes}`,
    reason: 'too-large',
  });
}

const REFUSED: Partial<Record<ErrorCode, [number, string]>> = {
  'too-large': [413, 'Content Too Large'],
  'unsupported-media': [415, 'Unsupported Media Type'],
};

/** Seconds after which the sender may try again. */
const RETRY_SECONDS = { quota: '5', other: '10' };

/** A refusal is the sender's fault, and its message names places and sizes only; anything else is ours. */
export function failed(error: AppError): Answer {
  const { code, message } = error;
  if (isRefusal(error)) {
    const [status, title] = REFUSED[code] ?? [400, 'Bad Request'];
    return problem(status, title, { detail: message, reason: code });
  }
  return code === 'quota'
    ? problem(429, 'Too Many Requests', { reason: code, headers: { 'retry-after': RETRY_SECONDS.quota } })
    : problem(503, 'Service Unavailable', { reason: code, headers: { 'retry-after': RETRY_SECONDS.other } });
}

/**
 * The answer to a sender's question whether it may deliver here.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
 */
export function permission(origin: string | undefined): Answer {
  if (origin === undefined || !/^[\w.*:/-]{1,255}$/.test(origin)) {
    return problem(400, 'Bad Request', {
      detail: 'webhook-request-origin must be the name of a host',
      reason: 'handshake',
    });
  }
  const headers = { ...ALLOW, 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' };
  return { status: 200, headers, body: undefined };
}

import type { AppError } from '../../shared/core/errors.ts';
import {
  jsonAnswer,
  type Answer as Plain,
  type ProblemOptions,
  problem as plainProblem,
  problemOf,
} from '../../shared/invocation/problem.ts';
import type { Verdict } from './authenticate.ts';

export interface Answer extends Plain {
  /** Word for the log: why a request was refused. Never sent. */
  reason?: string;
}

export function accepted(body: unknown): Answer {
  return jsonAnswer(200, body);
}

/** The detail says nothing that helps to forge a request; the reason is for the log. */
function problem(status: number, reason: string, options: ProblemOptions = {}): Answer {
  return { ...plainProblem(status, options), reason };
}

const ALLOW = { allow: 'POST, OPTIONS' };

export const NOT_FOUND: Answer = problem(404, 'unknown-source', { detail: 'no such source' });

export const NOT_ALLOWED: Answer = problem(405, 'method', {
  detail: 'POST delivers an event',
  headers: ALLOW,
});

/** The same for every verdict: only the log tells them apart. */
export function unauthorized(verdict: Exclude<Verdict, 'valid'>): Answer {
  return problem(401, verdict, {
    detail: 'the key or signature of the request is not valid',
    // RFC 9110 requires a challenge
    headers: { 'www-authenticate': 'Webhook realm="receiveEvent"' },
  });
}

export function tooLarge(bytes: number, maxBytes: number): Answer {
  return problem(413, 'too-large', { detail: `body must have at most ${maxBytes} bytes, got ${bytes}` });
}

export const failed = (error: AppError): Answer => ({ ...problemOf(error), reason: error.code });

/**
 * The answer to a sender's question whether it may deliver here.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
 */
export function permission(origin: string | undefined): Answer {
  if (origin === undefined || !/^[\w.*:/-]{1,255}$/.test(origin)) {
    return problem(400, 'handshake', { detail: 'webhook-request-origin must be the name of a host' });
  }
  const headers = { ...ALLOW, 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' };
  return { status: 200, headers, body: undefined };
}

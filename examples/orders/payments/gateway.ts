import { AppError, toAppError } from '../../../shared/core/errors.ts';
import { isJsonObject, type Json } from '../../../shared/core/json-value.ts';

export interface ChargeRequest {
  /** The order: by it, `refund` finds the charge even if nobody knows whether there is one. */
  reference: string;
  customerId: string;
  /** In minor units. */
  amount: number;
  currency: string;
}

export type ChargeAnswer =
  | { kind: 'charged'; paymentId: string }
  | { kind: 'declined' }
  /** A refund of the reference came first: it can no longer be charged. */
  | { kind: 'reversed' };

/** A payment provider. Both calls can be repeated with the same key: the effect happens once. */
export interface PaymentGateway {
  /** Throws `unavailable`, `timeout` or `quota` if it is unknown what happened, and another try makes sense. */
  charge(request: ChargeRequest, idempotencyKey: string, signal: AbortSignal): Promise<ChargeAnswer>;
  /**
   * Pays back what was charged under the reference, and keeps it from being charged later. Returns the amount that
   * was paid back, 0 if nothing had been charged. Some providers call that a technical cancel.
   */
  refund(reference: string, idempotencyKey: string, signal: AbortSignal): Promise<number>;
}

/** Bytes of an answer; real ones have a few hundred. */
const MAX_ANSWER = 100_000;

/** `baseUrl` without a slash at the end; `timeoutMs` of one request. */
export function createGateway(baseUrl: string, timeoutMs: number): PaymentGateway {
  const post = async (path: string, body: unknown, key: string, signal: AbortSignal) => {
    try {
      const response = await fetch(`${baseUrl}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      return { status: response.status, answer: await answerOf(response) };
    } catch (error) {
      throw unreached(error, timeoutMs);
    }
  };
  return {
    async charge(request, key, signal) {
      const { status, answer } = await post('/charges', request, key, signal);
      if (status === 402) return { kind: 'declined' };
      if (status === 409) return { kind: 'reversed' };
      const { id } = answer;
      if (status === 201 && typeof id === 'string' && id !== '') return { kind: 'charged', paymentId: id };
      throw unexpected('charge', status);
    },
    async refund(reference, key, signal) {
      const { status, answer } = await post('/refunds', { reference }, key, signal);
      const { amount } = answer;
      if (status === 201 && typeof amount === 'number' && Number.isSafeInteger(amount)) return amount;
      throw unexpected('refund', status);
    },
  };
}

/** An empty object if it is not a JSON object. */
async function answerOf(response: Response): Promise<Json> {
  const text = await response.text();
  if (text.length > MAX_ANSWER) {
    throw new AppError(
      'malformed-answer',
      `payment gateway: an answer must have at most ${MAX_ANSWER} characters, got ${text.length}`,
    );
  }
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function unexpected(call: string, status: number): AppError {
  const message = `payment gateway: ${call} must be answered with 201, got ${status}`;
  if (status === 429) return new AppError('quota', message);
  return new AppError(status >= 500 ? 'unavailable' : 'malformed-answer', message);
}

function unreached(thrown: unknown, timeoutMs: number): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof Error && thrown.name === 'TimeoutError') {
    return new AppError('timeout', `payment gateway: no answer within ${timeoutMs} ms`, { cause: thrown });
  }
  const { message } = toAppError(thrown);
  return new AppError('unavailable', `payment gateway: ${message}`, { cause: thrown });
}

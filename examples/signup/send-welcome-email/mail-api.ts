import { AppError } from '../../../shared/core/errors.ts';
import { isJsonObject } from '../../../shared/core/json-value.ts';
import { didNotHappen, type EffectContext } from '../../../shared/patterns/effect.ts';
import { callApi } from '../../../shared/patterns/http-api.ts';

export interface Mail {
  from: string;
  to: string;
  subject: string;
  text: string;
}

/**
 * Sends a mail through an API of the usual kind: `POST /emails` with a bearer token, JSON and `Idempotency-Key`, as
 * https://resend.com/docs/api-reference/emails/send-email has it. Returns the provider's id of the mail. Throws
 * `app-mail-refused` for a mail that the provider will never send, and what `callApi` throws.
 */
export async function sendMail(
  { from, to, subject, text }: Mail,
  { url, apiKey }: { url: string; apiKey: string },
  { idempotencyKey, signal }: EffectContext,
): Promise<string> {
  const { ok, status, body } = await callApi({
    service: 'mail API',
    method: 'POST',
    url: `${url.replace(/\/$/, '')}/emails`,
    headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': idempotencyKey },
    body: { from, to: [to], subject, text },
    signal,
  });
  // another delivery of the same event is in the middle of it
  if (status === 409) throw new AppError('unavailable', 'mail API is busy with this idempotency key');
  if (!ok)
    throw didNotHappen(new AppError('app-mail-refused', `mail API must accept the mail, got ${status}`));
  if (isJsonObject(body) && typeof body['id'] === 'string') return body['id'];
  throw new AppError('malformed-answer', `mail API: ${status} must come with the id of the mail`);
}

import { printable } from '../../local/terminal-text.ts';
import { AppError } from '../../shared/core/errors.ts';
import type { Service } from './service.ts';

/** Explains a service's failure in one line: what it means and what to do. */
export function explainServiceError(error: unknown, { where, isLocal }: Service): string {
  const message = printable(error instanceof Error ? error.message : String(error));
  if (!(error instanceof AppError)) return message;
  if (error.code === 'denied' && /default credentials/i.test(message)) {
    return 'no Google credentials: run "gcloud auth application-default login", or "npm start" for a local cloud';
  }
  if (error.code === 'denied') return `${message}: whose credentials are they?`;
  if (
    error.code === 'unavailable' &&
    !message.startsWith('Pub/Sub') &&
    /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(message)
  ) {
    return `${where}, does not answer: ${isLocal ? 'is it running? "npm start" starts a local cloud' : 'is there a network?'}`;
  }
  return message;
}

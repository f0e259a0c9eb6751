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
  if (error.code === 'denied') return `${message}: check which account the credentials belong to`;
  if (
    error.code === 'unavailable' &&
    !message.startsWith('Pub/Sub') &&
    /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(message)
  ) {
    return `${where} is not responding: ${isLocal ? 'start a local cloud with "npm start"' : 'check the network'}`;
  }
  return message;
}

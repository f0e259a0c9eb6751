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
  if (error.code === 'denied')
    return `${withRole(message)}, or check which account the credentials belong to`;
  if (
    error.code === 'unavailable' &&
    !message.startsWith('Pub/Sub') &&
    /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(message)
  ) {
    return `${where} is not responding: ${isLocal ? 'start a local cloud with "npm start"' : 'check the network'}`;
  }
  return message;
}

const ROLES: Readonly<Record<string, string>> = {
  stat: 'roles/storage.objectViewer',
  read: 'roles/storage.objectViewer',
  list: 'roles/storage.objectViewer',
  put: 'roles/storage.objectCreator',
  delete: 'roles/storage.objectUser',
};

/** A denial names the permission that is missing; this names the role to ask for. */
function withRole(message: string): string {
  const [, operation = '', bucket] = /^(stat|read|list|put|delete) gs:\/\/([^/]+)/.exec(message) ?? [];
  const advice = ': grant a role on ';
  const end = message.lastIndexOf(advice);
  const found = end < 0 ? message : message.slice(0, end);
  if (bucket !== undefined)
    return `${found}${advice.replace('a role', ROLES[operation] ?? 'a role')}gs://${bucket}`;
  const [, topic] = /^Pub\/Sub: (\S+):publish: 403/.exec(message) ?? [];
  return topic === undefined ? message : `${message}: grant roles/pubsub.publisher on ${topic}`;
}

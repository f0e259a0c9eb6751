import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { sha256 } from '../../../shared/core/sha256.ts';
import { escapeHtml, JsonLines, type JsonServer, type Reply, startJsonServer } from './json-server.ts';

export interface ReceivedMail {
  id: string;
  /** RFC 3339. */
  at: string;
  from: string;
  to: string[];
  subject: string;
  text: string;
  idempotencyKey: string | undefined;
  /** Hash of the request's body. */
  fingerprint: string;
}

export interface MailServer extends JsonServer {
  mails: readonly ReceivedMail[];
  /** Requests to send a mail so far. */
  requests(): number;
}

/**
 * A mail API that delivers to an inbox. A request with a known idempotency key is answered as the first one was and
 * delivers nothing; with another body it is refused.
 */
export async function startMailServer({ dir, apiKey }: { dir: string; apiKey: string }): Promise<MailServer> {
  const inbox = new JsonLines<ReceivedMail>(join(dir, 'mails.jsonl'));
  let requests = 0;

  const send = (body: unknown, idempotencyKey: string | undefined): Reply => {
    requests++;
    const { from, to, subject, text } = (body ?? {}) as Partial<ReceivedMail>;
    if (![from, subject, text].every((one) => typeof one === 'string') || !Array.isArray(to)) {
      return {
        status: 422,
        body: { name: 'validation_error', message: 'from, to, subject and text are required' },
      };
    }
    const fingerprint = sha256(JSON.stringify(body));
    const known = inbox.all.find(
      (one) => idempotencyKey !== undefined && one.idempotencyKey === idempotencyKey,
    );
    if (known && known.fingerprint !== fingerprint) {
      return { status: 409, body: { name: 'invalid_idempotent_request' } };
    }
    if (known) return { status: 200, body: { id: known.id } };
    const id = randomUUID();
    const mail = { from, to, subject, text } as Pick<ReceivedMail, 'from' | 'to' | 'subject' | 'text'>;
    inbox.append({ id, at: new Date().toISOString(), ...mail, idempotencyKey, fingerprint });
    return { status: 200, body: { id } };
  };

  const server = await startJsonServer({
    apiKey,
    page: () => pageOf(inbox.all),
    answer({ method, path, request }, body) {
      if (path !== '/emails') return { status: 404, body: { name: 'not_found' } };
      if (method === 'GET') return { status: 200, body: inbox.all };
      const key = request.headers['idempotency-key'];
      return send(body, typeof key === 'string' ? key : undefined);
    },
  });
  return {
    ...server,
    mails: inbox.all,
    requests: () => requests,
    async close() {
      await server.close();
      inbox.close();
    },
  };
}

function pageOf(mails: readonly ReceivedMail[]): string {
  const rows = mails
    .toReversed()
    .map(
      ({ at, from, to, subject, text }) =>
        `<article><h2>${escapeHtml(subject)}</h2><p>${escapeHtml(`${at}, from ${from} to ${to.join(', ')}`)}</p><pre>${escapeHtml(text)}</pre></article>`,
    );
  return `<!doctype html><meta charset="utf-8"><title>Inbox</title>
<style>body{font:16px system-ui;max-width:44rem;margin:2rem auto}article{border-top:1px solid #ccc}</style>
<h1>Inbox: ${mails.length}</h1>${rows.join('\n') || '<p>No mail yet.</p>'}`;
}

import { join } from 'node:path';
import { escapeHtml, JsonLines, type JsonServer, startJsonServer } from './json-server.ts';

export interface Contact {
  id: string;
  email: string;
  name: string;
}

export interface Crm extends JsonServer {
  contacts: ReadonlyMap<string, Contact>;
  /** Ids of the contacts that were put, in order. */
  puts: readonly string[];
  /** From now on, it accepts every name. */
  acceptAll(): void;
}

/** Names that this CRM does not accept at first, so that a refusal can be seen. */
const POISON = /poison/i;

/** A CRM of one call: `PUT /contacts/ID` creates the contact or replaces it. */
export async function startCrm({ dir, apiKey }: { dir: string; apiKey: string }): Promise<Crm> {
  const log = new JsonLines<Contact>(join(dir, 'contacts.jsonl'));
  const contacts = new Map(log.all.map((one) => [one.id, one]));
  const puts: string[] = [];
  let refused: RegExp | undefined = POISON;
  const server = await startJsonServer({
    apiKey,
    page: () => pageOf([...contacts.values()]),
    answer({ method, path }, body) {
      if (method === 'GET' && path === '/contacts') return { status: 200, body: [...contacts.values()] };
      const id = /^\/contacts\/([^/]+)$/.exec(path)?.[1];
      if (id === undefined || method !== 'PUT') return { status: 404, body: { error: 'no such resource' } };
      const { email, name } = (body ?? {}) as Partial<Contact>;
      if (typeof email !== 'string' || typeof name !== 'string' || refused?.test(name)) {
        return { status: 422, body: { error: 'email and name must be acceptable' } };
      }
      const contact = { id: decodeURIComponent(id), email, name };
      log.append(contact);
      puts.push(contact.id);
      contacts.set(contact.id, contact);
      return { status: 200, body: contact };
    },
  });
  return {
    ...server,
    contacts,
    puts,
    acceptAll() {
      refused = undefined;
    },
    async close() {
      await server.close();
      log.close();
    },
  };
}

function pageOf(contacts: readonly Contact[]): string {
  const rows = contacts.map(
    ({ id, email, name }) =>
      `<tr><td>${escapeHtml(name)}<td>${escapeHtml(email)}<td><code>${escapeHtml(id)}</code>`,
  );
  return `<!doctype html><meta charset="utf-8"><title>Contacts</title>
<style>body{font:16px system-ui;max-width:60rem;margin:2rem auto}td{padding:.3rem 1rem .3rem 0}</style>
<h1>Contacts: ${contacts.length}</h1><table>${rows.join('\n')}</table>`;
}

import type { LocalServices } from '../../../local/hook.ts';
import { type Crm, startCrm } from './crm-server.ts';
import { type MailServer, startMailServer } from './mail-server.ts';

/** Anything does: the stand-ins are reached from this machine only. */
const API_KEY = 'local';

/** Stand-ins for the mail API and the CRM, unless the operator gave the address of a real one. */
export function localServices(
  onStart: { mail?(server: MailServer): void; crm?(server: Crm): void } = {},
): LocalServices {
  return {
    async mail({ dir, settings }) {
      if (settings['MAIL_URL'] !== undefined) return undefined;
      const server = await startMailServer({ dir, apiKey: API_KEY });
      onStart.mail?.(server);
      const { url, close } = server;
      return { env: { MAIL_URL: url, MAIL_API_KEY: API_KEY }, shown: `${url}/  (the inbox)`, close };
    },
    async crm({ dir, settings }) {
      if (settings['CRM_URL'] !== undefined) return undefined;
      const server = await startCrm({ dir, apiKey: API_KEY });
      onStart.crm?.(server);
      const { url, close } = server;
      return { env: { CRM_URL: url, CRM_API_KEY: API_KEY }, shown: `${url}/  (the contacts)`, close };
    },
  };
}

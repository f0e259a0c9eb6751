import { AppError } from '../../../shared/core/errors.ts';
import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { callApi } from '../../../shared/patterns/http-api.ts';
import { parseSettings } from './settings.ts';

export const { handle } = messageHandler({
  types: ['user.created'],
  settings: parseSettings,
  async run({ data: { userId, email, name } }, { settings, dependency, signal }) {
    // no effect: a contact that is put twice is the same contact
    const { ok, status } = await dependency('crm', () =>
      callApi({
        service: 'CRM',
        method: 'PUT',
        url: `${settings.CRM_URL.replace(/\/$/, '')}/contacts/${encodeURIComponent(userId)}`,
        headers: { authorization: `Bearer ${settings.CRM_API_KEY}` },
        body: { email, name },
        signal,
      }),
    );
    if (!ok) throw new AppError('app-contact-refused', `CRM must accept the contact, got ${status}`);
    return outcome('upserted', {}, 'contact put');
  },
});

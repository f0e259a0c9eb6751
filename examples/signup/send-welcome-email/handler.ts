import { messageHandler } from '../../../shared/invocation/message-handler.ts';
import { outcome } from '../../../shared/invocation/outcome.ts';
import { sendMail } from './mail-api.ts';
import { parseSettings } from './settings.ts';

export const { handle } = messageHandler({
  types: ['user.created'],
  settings: parseSettings,
  async run({ data: { email, name } }, { settings, effect, dependency }) {
    const mail = {
      from: settings.MAIL_FROM,
      to: email,
      subject: 'Welcome',
      text: `Welcome, ${name}!\n\nYour account is ready.\n`,
    };
    const api = { url: settings.MAIL_URL, apiKey: settings.MAIL_API_KEY };
    // `again`: the provider knows the key, so a second try sends nothing twice
    const mailId = await effect('welcome', (how) => dependency('mail', () => sendMail(mail, api, how)), {
      onUnknown: 'again',
    });
    return outcome('mailed', { mailId }, 'welcome mail sent');
  },
});

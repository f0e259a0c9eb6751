import { type Env, readSettings, secretSettings, text, url } from '../../../shared/app/settings.ts';

export const settings = {
  MAIL_URL: url({
    default: 'https://api.resend.com',
    doc: 'base URL of the mail API; locally that of the mail server',
  }),
  MAIL_FROM: text({ default: 'Example <welcome@example.com>', doc: 'sender of the welcome mail' }),
};

export const secrets = ['MAIL_API_KEY'] as const;

export const parseSettings = (env: Env) => readSettings({ ...settings, ...secretSettings(secrets) }, env);

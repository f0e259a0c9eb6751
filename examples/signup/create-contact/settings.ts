import { type Env, readSettings, secretSettings, url } from '../../../shared/app/settings.ts';

export const settings = {
  CRM_URL: url({ doc: 'base URL of the CRM: contacts are put to `/contacts/USER`' }),
};

export const secrets = ['CRM_API_KEY'] as const;

export const parseSettings = (env: Env) => readSettings({ ...settings, ...secretSettings(secrets) }, env);

/**
 * Settings of functions, for authors of apps: each variable is declared once; reading, deployment and the reference
 * follow from it.
 *
 * @example
 * export const settings = { MAIL_FROM: text({ doc: 'sender of the mails' }) };
 * export const parseMailSettings = (env: Env) => readSettings(settings, env);
 */
export { type Check, readSettings } from '../core/read-settings.ts';
export {
  type Bounds,
  bucket,
  type Env,
  endpoint,
  flag,
  folder,
  integer,
  number,
  oneOf,
  optional,
  place,
  required,
  type Setting,
  type SettingOptions,
  type Settings,
  secret,
  secretSettings,
  text,
  topic,
  url,
  type ValuesOf,
} from '../core/settings.ts';

import { secretsOf, settingsOf } from '../shared/app/app-settings.ts';
import type { FunctionDefinition } from '../shared/app/define-function.ts';
import type { Env } from '../shared/core/settings.ts';

type Declares = Pick<FunctionDefinition, 'settings' | 'secrets' | 'secretFiles'>;

/**
 * What a function is given of its declared settings, for those who look at it: no secret and nothing undeclared. A
 * user or password in an address is left out, and so is a setting that repeats the value of a secret.
 */
export function publicSettings(definition: Declares, env: Env): Record<string, string> {
  const secrets = secretsOf(definition).map(({ name }) => name);
  const hidden = new Set(secrets.map((name) => env[name]).filter((value) => value !== undefined));
  return Object.fromEntries(
    Object.entries(settingsOf(definition)).flatMap(([name, { secret }]) => {
      const value = env[name];
      if (value === undefined || secret || secrets.includes(name) || hidden.has(value)) return [];
      return [[name, value.replace(CREDENTIALS_IN_URL, '$1…@')]];
    }),
  );
}

/** https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1 */
const CREDENTIALS_IN_URL = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^/?#\s]*@/gi;

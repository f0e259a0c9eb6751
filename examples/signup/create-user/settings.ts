import { type Env, integer, readSettings } from '../../../shared/app/settings.ts';

export const settings = {
  MAX_USER_BYTES: integer({
    min: 1_000,
    max: 1_000_000,
    default: 10_000,
    doc: 'bytes of the body of `POST /users`',
  }),
};

export const parseSettings = (env: Env) => readSettings(settings, env);

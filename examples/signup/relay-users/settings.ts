import { type Env, integer, readSettings } from '../../../shared/app/settings.ts';

export const settings = {
  OUTBOX_AGE_SECONDS: integer({
    min: 0,
    max: 3_600,
    default: 10,
    doc: 'age of what the relay takes over; younger entries are most likely in the hands of their request',
  }),
};

export const parseSettings = (env: Env) => readSettings(settings, env);

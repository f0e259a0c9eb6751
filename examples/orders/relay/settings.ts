import { type Env, integer, readSettings } from '../../../shared/app/settings.ts';
import { parseDatabaseUrl } from '../database/connect.ts';

export const settings = {
  RELAY_LEASE_SECONDS: integer({
    min: 1,
    max: 600,
    default: 30,
    doc: 'how long a relay that died keeps the orders it had claimed from the others, in seconds',
  }),
  OUTBOX_DAYS: integer({
    min: 1,
    max: 3_650,
    default: 7,
    doc: 'days after which published events are deleted from the outbox; the events themselves stay',
  }),
};

/** Pure: throws one `invalid-config` that lists every bad variable. */
export const parseSettings = (env: Env) => ({
  ...readSettings(settings, env),
  databaseUrl: parseDatabaseUrl(env),
});

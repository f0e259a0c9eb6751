import { type Env, integer, readSettings } from '../../../shared/app/settings.ts';
import { parseDatabaseUrl } from '../database/connect.ts';

export const settings = {
  MAX_ORDER_BYTES: integer({
    min: 1_000,
    max: 1_000_000,
    default: 50_000,
    doc: 'bytes of the body of `POST /orders`',
  }),
  READ_WAIT_MS: integer({
    min: 0,
    max: 20_000,
    default: 2_000,
    doc: 'how long `GET /orders/{id}?atLeastVersion=N` waits for that version, in ms',
  }),
};

/** Pure: throws one `invalid-config` that lists every bad variable. */
export const parseSettings = (env: Env) => ({
  ...readSettings(settings, env),
  databaseUrl: parseDatabaseUrl(env),
});

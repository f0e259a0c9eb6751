import { type Env, integer, readSettings, url } from '../../../shared/app/settings.ts';
import { sagaSettings, withDatabase } from '../fulfilment/settings.ts';

export const settings = {
  ...sagaSettings,
  PAYMENT_GATEWAY_URL: url({ doc: 'address of the payment gateway' }),
  PAYMENT_TIMEOUT_MS: integer({
    min: 100,
    max: 60_000,
    default: 10_000,
    doc: "time for one of the gateway's answers, in ms; then it is unknown what happened, and the call is repeated",
  }),
};

export const parseSettings = withDatabase((env: Env) => readSettings(settings, env));

import { type Env, readSettings } from '../../../shared/app/settings.ts';
import { limitSettings, parkingSettings, sagaSettings, withDatabase } from '../fulfilment/settings.ts';

export const settings = { ...sagaSettings, ...limitSettings, ...parkingSettings };

export const parseSettings = withDatabase((env: Env) => {
  const values = readSettings(settings, env);
  return {
    saga: values.ORDER_SAGA,
    limits: { answerMs: values.SAGA_ANSWER_SECONDS * 1_000, maxTries: values.SAGA_TRIES },
    parkMs: values.PREDECESSOR_SECONDS * 1_000,
  };
});

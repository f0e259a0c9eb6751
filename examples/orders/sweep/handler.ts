import { type Env, readSettings } from '../../../shared/app/settings.ts';
import { eventHandler } from '../../../shared/invocation/event-handler.ts';
import { createPool } from '../database/pool.ts';
import { limitSettings, withDatabase } from '../fulfilment/settings.ts';
import { sweepService } from './sweep-service.ts';

const parseSettings = withDatabase((env: Env) => {
  const { SAGA_ANSWER_SECONDS, SAGA_TRIES } = readSettings(limitSettings, env);
  return { limits: { answerMs: SAGA_ANSWER_SECONDS * 1_000, maxTries: SAGA_TRIES } };
});

export const { handle } = eventHandler({
  settings: parseSettings,
  open: ({ settings: { databaseUrl, limits }, refuse }) =>
    sweepService({ database: createPool({ url: databaseUrl, connections: 1 }), limits, refuse }),
});

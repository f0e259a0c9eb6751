import { type Env, readSettings } from '../../../shared/app/settings.ts';
import { parkingSettings, sagaSettings, withDatabase } from '../fulfilment/settings.ts';

export const settings = { ...sagaSettings, ...parkingSettings };

export const parseSettings = withDatabase((env: Env) => readSettings(settings, env));

import { type Env, readSettings } from '../../../shared/app/settings.ts';
import { parkingSettings, withDatabase } from '../fulfilment/settings.ts';

export const settings = parkingSettings;

export const parseSettings = withDatabase((env: Env) => readSettings(settings, env));

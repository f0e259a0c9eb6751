import { type Env, integer, oneOf, readSettings } from '../../../shared/app/settings.ts';
import { DATABASE_SECRET, parseDatabaseUrl } from '../database/connect.ts';

export const SAGAS = ['choreography', 'orchestration'] as const;

/** How an order is carried out: services that react to one another's events, or one function that commands them. */
export type Saga = (typeof SAGAS)[number];

export const sagaSettings = {
  ORDER_SAGA: oneOf(SAGAS, {
    default: 'choreography',
    doc: 'how new orders are carried out; those under way go on as they began',
  }),
};

export const limitSettings = {
  SAGA_ANSWER_SECONDS: integer({
    min: 1,
    max: 86_400,
    default: 900,
    doc: 'time for the answer to a command of an orchestrated order, in seconds; then the order is turned back',
  }),
  SAGA_TRIES: integer({
    min: 1,
    max: 100,
    default: 5,
    doc: 'how often a command that has to succeed is sent before the saga is parked for a person',
  }),
};

export const parkingSettings = {
  PREDECESSOR_SECONDS: integer({
    min: 1,
    max: 604_800,
    default: 3_600,
    doc: 'how long an event waits for those that must come before it, in seconds; then it is a dead letter',
  }),
};

export const DATABASE_SECRETS = [DATABASE_SECRET];

/** Parser of a function's settings, with the address of the database. */
export function withDatabase<S>(settings: (env: Env) => S): (env: Env) => S & { databaseUrl: string } {
  return (env) => ({ ...settings(env), databaseUrl: parseDatabaseUrl(env) });
}

export const parseSagaSettings = withDatabase((env: Env) => readSettings(sagaSettings, env));

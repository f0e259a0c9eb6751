import type { Env } from '../../../shared/app/settings.ts';
import { readSettings, secretSettings } from '../../../shared/app/settings.ts';
import { createPool, type Pool } from './pool.ts';

/** The secret with the address of the database. Each function that uses it lists it in `secrets`. */
export const DATABASE_SECRET = 'DATABASE_URL' as const;

/** Pure: throws one `invalid-config`. */
export function parseDatabaseUrl(env: Env): string {
  return readSettings(secretSettings([DATABASE_SECRET]), env)[DATABASE_SECRET];
}

/**
 * The pool of one instance: as many connections as it takes requests at a time, so that none waits for another's. A
 * server allows `max_connections`, so the sum of concurrency times maxInstances over all functions must stay below.
 */
export function connectDatabase(env: Env, { concurrency }: { concurrency: number }): Pool {
  return createPool({ url: parseDatabaseUrl(env), connections: concurrency });
}

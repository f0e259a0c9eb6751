import pg from 'pg';
import { type Clock, systemClock } from '../../../shared/core/clock.ts';
import { retryDelay } from '../../../shared/core/retry.ts';
import type { Database, Sql } from '../../../shared/patterns/sql.ts';
import { canRunAgain, databaseError } from './database-error.ts';

export interface PoolOptions {
  /** `postgresql://USER:PASSWORD@HOST/DATABASE`; Cloud SQL's socket is `?host=/cloudsql/PROJECT:REGION:INSTANCE`. */
  url: string;
  /** At most this many: one for each request that an instance takes at a time. */
  connections: number;
  /** A statement's time, in ms. Default 10,000. */
  statementMs?: number;
  /** Time to wait for a lock, in ms. Default 5,000. */
  lockMs?: number;
  clock?: Clock;
}

export interface Pool extends Database {
  /** Waits for transactions that are under way. */
  close(): Promise<void>;
}

/** Time to get a connection. */
const CONNECT_MS = 5_000;
const STATEMENT_MS = 10_000;
/** Waiting for a lock means that another writer of the same row is slow, or gone. */
const LOCK_MS = 5_000;
/** A transaction whose process was killed, behind a connection that was not closed, holds its locks this long. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** Below what firewalls and Cloud SQL's proxy allow an idle connection. */
const IDLE_MS = 60_000;
const RUNS = 6;

/**
 * Connections of one instance, opened on demand. Every error is an AppError, as `Sql` says. A transaction that fails
 * for others' sake, by a deadlock or a serialization failure, runs again.
 */
export function createPool({ url, connections, clock, ...limits }: PoolOptions): Pool {
  const { statementMs = STATEMENT_MS, lockMs = LOCK_MS } = limits;
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: IDLE_MS,
    statement_timeout: statementMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    // a server that is gone without a word answers nothing
    query_timeout: statementMs + CONNECT_MS,
    keepAlive: true,
    // an idle instance may end
    allowExitOnIdle: true,
  });
  // a connection that fails while it is idle is taken out of the pool; without a listener it would end the process
  pool.on('error', () => undefined);
  // one that fails in somebody's hands is reported to the statement that runs, or to the next one; and one that fails
  // in the moment in which the pool hands it over has no other listener
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    query: (text, values) => run(pool, text, values),
    transaction: (work) => again(() => transaction(pool, work), clock ?? systemClock),
    close: () => pool.end(),
  };
}

async function again<T>(work: () => Promise<T>, clock: Clock): Promise<T> {
  for (let runs = 1; ; runs++) {
    try {
      return await work();
    } catch (error) {
      if (runs === RUNS || !canRunAgain(error)) throw error;
      await clock.sleep(retryDelay(runs, 10, 1_000, Math.random));
    }
  }
}

async function transaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error) => {
    throw databaseError(error);
  });
  let isBroken = true;
  try {
    await run(client, 'begin');
    const result = await work({ query: (text, values) => run(client, text, values) });
    await run(client, 'commit');
    isBroken = false;
    return result;
  } catch (error) {
    isBroken = await run(client, 'rollback').then(
      () => false,
      () => true,
    );
    throw error;
  } finally {
    client.release(isBroken);
  }
}

async function run<Row extends object>(
  on: pg.Pool | pg.PoolClient,
  text: string,
  values?: readonly unknown[],
): Promise<{ rows: Row[]; rowCount: number | null }> {
  try {
    return await on.query<Row>(text, values && [...values]);
  } catch (error) {
    throw databaseError(error);
  }
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate, ownMigrations } from '../../examples/orders/database/migrate.ts';
import { createPool, type Pool } from '../../examples/orders/database/pool.ts';
import {
  type Postgres,
  postgresPrograms,
  startPostgres,
} from '../../examples/orders/test/helpers/postgres.ts';
import { errorSuite } from '../../examples/orders/test/suites/errors.ts';
import { eventStoreSuite } from '../../examples/orders/test/suites/event-store.ts';
import { migrationSuite } from '../../examples/orders/test/suites/migrations.ts';
import { outboxSuite } from '../../examples/orders/test/suites/outbox.ts';
import { readModelSuite } from '../../examples/orders/test/suites/read-models.ts';
import { restartSuite } from '../../examples/orders/test/suites/restart.ts';

/* The suites of examples/orders/test/database.test.ts on a real server, which runs transactions side by side. */
const programs = postgresPrograms();
if (programs === undefined) console.log('skipped: no postgres and initdb on PATH');

describe.skipIf(programs === undefined)('examples/orders on PostgreSQL', () => {
  let server: Postgres;
  let pool: Pool;
  beforeAll(async () => {
    server = await startPostgres(programs!);
    pool = createPool({ url: server.url, connections: 20 });
    await migrate(pool, await ownMigrations());
  });
  afterAll(async () => {
    await pool?.close();
    await server?.stop();
  });

  test('a session has the pool’s time limits', async () => {
    const { rows } = await pool.query(
      "select name, setting from pg_settings where name ~ '^(statement|lock|idle_in_transaction_session)_timeout$' order by 1",
    );
    expect(rows).toEqual([
      { name: 'idle_in_transaction_session_timeout', setting: '10000' },
      { name: 'lock_timeout', setting: '5000' },
      { name: 'statement_timeout', setting: '10000' },
    ]);
  });

  describe('outbox', () => outboxSuite(() => pool));
  describe('read models', () => readModelSuite(() => pool, { isConcurrent: true }));
  describe('event store', () => eventStoreSuite(() => pool));
  describe('migrations', () => migrationSuite(() => pool));
  describe('errors', () => errorSuite(() => server));
  describe('restarts', () => restartSuite(() => server));
});

import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from '../../../../local/ports.ts';
import { createPool } from '../../database/pool.ts';
import type { Postgres } from '../helpers/postgres.ts';

/** How the pool classes what goes wrong, on a real server. */
export function errorSuite(server: () => Postgres): void {
  const poolAt = (change: (url: URL) => void, statementMs?: number) => {
    const url = new URL(server().url);
    change(url);
    return createPool({ url: String(url), connections: 2, ...(statementMs && { statementMs }) });
  };

  test('nobody listens, or the address is of no database: retryable, and the code says who acts', async () => {
    const port = String(await freePort());
    const refused = poolAt((url) => {
      url.port = port;
    });
    await expect(refused.query('select 1')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(refused.transaction(async () => undefined)).rejects.toMatchObject({ code: 'unavailable' });
    const missing = poolAt((url) => {
      url.pathname = '/missing';
    });
    await expect(missing.query('select 1')).rejects.toMatchObject({
      code: 'invalid-config',
      message: 'database: database "missing" does not exist (3D000)',
    });
    await Promise.all([refused.close(), missing.close()]);
  });

  test('a server that accepts and says nothing: unavailable, in bounded time', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const pool = poolAt((url) => {
      url.port = typeof address === 'object' ? String(address?.port) : '';
    });
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'unavailable' });
    await pool.close();
    silent.close();
  });

  test('a statement that takes too long, and a lock that does not come: timeout', async () => {
    const pool = createPool({ url: server().url, connections: 2, statementMs: 200, lockMs: 100 });
    await expect(pool.query('select pg_sleep(5)')).rejects.toMatchObject({ code: 'timeout' });
    await pool.query('create table if not exists locked (n integer)');
    await pool.transaction(async (sql) => {
      await sql.query('lock table locked in exclusive mode');
      await expect(pool.query('insert into locked values (1)')).rejects.toMatchObject({ code: 'timeout' });
    });
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.close();
  });

  test('two transactions that lock each other out: one runs again, and both are stored', async () => {
    const pool = createPool({ url: server().url, connections: 4 });
    await pool.query('create table pairs (id integer primary key, n integer not null)');
    await pool.query('insert into pairs values (1, 0), (2, 0)');
    let runs = 0;
    const both = (first: number, second: number): Promise<void> =>
      pool.transaction(async (sql) => {
        runs++;
        await sql.query('update pairs set n = n + 1 where id = $1', [first]);
        await sql.query('select pg_sleep(0.05)');
        await sql.query('update pairs set n = n + 1 where id = $1', [second]);
      });
    await Promise.all([both(1, 2), both(2, 1)]);
    expect((await pool.query('select id, n from pairs order by id')).rows).toEqual([
      { id: 1, n: 2 },
      { id: 2, n: 2 },
    ]);
    expect(runs).toBeGreaterThan(2);
    await pool.close();
  });

  test('a database that was not migrated: the message names what it lacks', async () => {
    const pool = createPool({ url: server().url, connections: 1 });
    await pool.query('create database fresh');
    const fresh = poolAt((url) => {
      url.pathname = '/fresh';
    });
    await expect(fresh.query('select from outbox')).rejects.toMatchObject({
      code: 'invalid-config',
      message: 'database: relation "outbox" does not exist (42P01)',
    });
    await Promise.all([fresh.close(), pool.close()]);
  });
}

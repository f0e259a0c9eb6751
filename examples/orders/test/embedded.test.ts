import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../database/pool.ts';
import { freshDatabase } from './helpers/database.ts';

let url: string;
let pool: Pool;
beforeAll(async () => {
  url = await freshDatabase();
  pool = createPool({ url, connections: 20 });
});
afterAll(() => pool.close());

test('statements of many clients at once keep their own parameters and rows', async () => {
  const answers = await Promise.all(
    Array.from({ length: 300 }, async (_, n) => {
      if (n % 3 === 0) return (await pool.query('select $1::integer as n', [n])).rows;
      if (n % 3 === 1)
        return (await pool.query('select $1::text as n, $2::text as s', [String(n), 's'])).rows;
      return pool.transaction(async (sql) => {
        await sql.query('select set_config($1, $2, true)', ['own.n', String(n)]);
        return (await sql.query("select current_setting('own.n') as n")).rows;
      });
    }),
  );
  const wanted = answers.map((_, n) => {
    if (n % 3 === 0) return [{ n }];
    return n % 3 === 1 ? [{ n: String(n), s: 's' }] : [{ n: String(n) }];
  });
  expect(answers).toEqual(wanted);
});

test('a client that dies in a transaction leaves nothing behind, and the next one goes on', async () => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin');
  await client.query("insert into inbox (consumer, event_id) values ('dead', '1')");
  const waiting = pool.query("select from inbox where consumer = 'dead'");
  // `stream` is the client's socket
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  expect((await waiting).rowCount).toBe(0);
});

test('an error in the middle of a pipeline ends the statement and not the session', async () => {
  await expect(pool.query('select 1/$1::integer', [0])).rejects.toMatchObject({ code: 'internal' });
  await expect(pool.query('no sql')).rejects.toMatchObject({ code: 'internal' });
  await expect(
    pool.transaction(async (sql) => {
      await expect(sql.query('select from nowhere')).rejects.toMatchObject({ code: 'invalid-config' });
      // PostgreSQL refuses everything until the end of the transaction
      await sql.query('select 1');
    }),
  ).rejects.toMatchObject({ code: 'internal' });
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a connection that says nothing, or breaks off in its first words, holds up nobody', async () => {
  const { port } = new URL(url);
  const silent = connect(Number(port), '127.0.0.1');
  const half = connect(Number(port), '127.0.0.1');
  half.write(Buffer.of(0, 0, 0, 8, 4));
  half.end();
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  silent.destroy();
});

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../database/pool.ts';
import { type EmbeddedDatabase, startEmbedded } from '../local/embedded.ts';
import { ClientMessages, queryMessage } from '../local/postgres-messages.ts';
import { cluster } from './helpers/database.ts';

let database: EmbeddedDatabase;
beforeAll(async () => {
  database = await startEmbedded({ from: await cluster() });
});
afterAll(() => database.close());

test('many connections at once: no statement gets the values of another', async () => {
  const pools = Array.from({ length: 4 }, () => createPool({ url: database.url, connections: 5 }));
  const answers = pools.flatMap((pool, client) =>
    Array.from({ length: 10 }, async (_, index) => {
      const values = Array.from({ length: (index % 4) + 1 }, (_value, at) => `${client}-${index}-${at}`);
      const text = `select array[${values.map((_value, at) => `$${at + 1}::text`).join()}] as found`;
      const { rows } =
        index % 3 === 0
          ? await pool.transaction((sql) => sql.query(text, values))
          : await pool.query(text, values);
      expect(rows).toEqual([{ found: values }]);
    }),
  );
  await Promise.all(answers);
  await Promise.all(pools.map((pool) => pool.close()));
});

test('a client that dies in its transaction: it is rolled back, and the others go on', async () => {
  const pool = createPool({ url: database.url, connections: 1 });
  await pool.query('create table kept (n integer)');
  const dying = new pg.Client({ connectionString: database.url });
  dying.on('error', () => undefined);
  await dying.connect();
  await dying.query('begin');
  await dying.query('insert into kept values (1)');
  const waiting = pool.query('insert into kept values (2)');
  (dying as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  await waiting;
  expect((await pool.query('select n from kept')).rows).toEqual([{ n: 2 }]);
  await pool.close();
});

test('a statement that fails leaves the connection as PostgreSQL does', async () => {
  const pool = createPool({ url: database.url, connections: 1 });
  await expect(pool.query('select 1 / $1::integer', [0])).rejects.toThrow('division by zero');
  await expect(
    pool.transaction(async (sql) => {
      await sql.query('select 1 / $1::integer', [0]).catch(() => undefined);
      await sql.query('select 1');
    }),
  ).rejects.toThrow('aborted');
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.close();
});

test('what a client sends is split into statements, however it is cut into chunks', () => {
  const startup = Buffer.concat([Buffer.from([0, 0, 0, 9, 0, 3, 0, 0]), Buffer.from('\0')]);
  const sync = Buffer.from('S\0\0\0\x04');
  const parse = Buffer.from('P\0\0\0\x08abc\0');
  const all = Buffer.concat([startup, queryMessage('select 1'), parse, sync, Buffer.from('X\0\0\0\x04')]);
  const whole = [...new ClientMessages().read(all)];
  expect(whole.map((unit) => (unit.kind === 'statement' ? unit.messages.length : unit.kind))).toEqual([
    ...[1, 1, 2, 'end'],
  ]);
  const reader = new ClientMessages();
  expect([...all].flatMap((byte) => [...reader.read(Buffer.from([byte]))])).toEqual(whole);
});

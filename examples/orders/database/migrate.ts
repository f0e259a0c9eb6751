import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { AppError } from '../../../shared/core/errors.ts';
import type { Database, Sql } from '../../../shared/patterns/sql.ts';

export interface Migration {
  /** From the file name: migrations are applied in this order. */
  number: number;
  /** File name. */
  name: string;
  sql: string;
  /** SHA-256 of the file, in hex. */
  hash: string;
}

/** Held while migrations are applied, so that two commands take turns. Any number that nobody else uses. */
const LOCK = 4_812_650_771;

const HISTORY = `
create table if not exists migrations (
  number integer primary key,
  name text not null,
  hash text not null,
  applied_at timestamptz not null default now()
)`;

/**
 * Applies the migrations that the database lacks, all in one transaction, and returns their names. Safe to repeat,
 * and to run twice at once. Throws `invalid-config` if an applied file was changed or removed since: an applied
 * migration is history, and a change needs a new file.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<string[]> {
  return database.transaction(async (sql) => {
    await sql.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await sql.query(HISTORY);
    const applied = await appliedTo(sql);
    const mistakes = applied.flatMap((one) => changeOf(one, migrations));
    if (mistakes.length > 0) throw new AppError('invalid-config', `migrations: ${mistakes.join('; ')}`);
    const missing = migrations.filter(({ number }) => !applied.some((one) => one.number === number));
    for (const { number, name, sql: text, hash } of missing) {
      await sql.query(text);
      await sql.query('insert into migrations (number, name, hash) values ($1, $2, $3)', [
        number,
        name,
        hash,
      ]);
    }
    return missing.map(({ name }) => name);
  });
}

/** The migrations of a folder: files such as `0001-events.sql`. Throws `invalid-config` for any other name. */
export async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).sort();
  const migrations = await Promise.all(
    names.map(async (name) => {
      const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
      if (Number.isNaN(number)) {
        throw new AppError('invalid-config', `migration must be named 0001-what-it-adds.sql, got ${name}`);
      }
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { number, name, sql, hash: createHash('sha256').update(sql).digest('hex') };
    }),
  );
  const twice = migrations.find(({ number }, index) => migrations[index + 1]?.number === number);
  if (twice) throw new AppError('invalid-config', `two migrations have the number of ${twice.name}`);
  return migrations;
}

/** The migrations of this app. */
export const ownMigrations = (): Promise<Migration[]> =>
  readMigrations(new URL('./migrations/', import.meta.url));

interface Applied {
  number: number;
  name: string;
  hash: string;
}

async function appliedTo(sql: Sql): Promise<Applied[]> {
  const { rows } = await sql.query<Applied>('select number, name, hash from migrations order by number');
  return rows;
}

function changeOf({ number, name, hash }: Applied, migrations: readonly Migration[]): string[] {
  const file = migrations.find((one) => one.number === number);
  if (file === undefined) return [`${name} was applied, and must be there`];
  if (file.hash === hash) return [];
  return [
    `${file.name} must be as it was applied (${hash.slice(0, 12)}), got another (${file.hash.slice(0, 12)})`,
  ];
}

import { expect, test } from 'vitest';
import { type Migration, migrate, ownMigrations } from '../../database/migrate.ts';
import type { Pool } from '../../database/pool.ts';

const migration = (number: number, sql: string): Migration => {
  const name = `${String(number).padStart(4, '0')}-test.sql`;
  return { number, name, sql, hash: Buffer.from(sql).toString('hex') };
};

/** Migrations, on any PostgreSQL that has this app's. */
export function migrationSuite(database: () => Pool): void {
  const tableNames = async (): Promise<string[]> => {
    const { rows } = await database().query<{ name: string }>(
      "select tablename as name from pg_tables where starts_with(tablename, 'mig_') order by 1",
    );
    return rows.map(({ name }) => name);
  };

  test('repeating is harmless, and so is running four times at once', async () => {
    const own = await ownMigrations();
    expect(await migrate(database(), own)).toEqual([]);
    const more = [
      ...own,
      migration(9_001, 'create table mig_one ()'),
      migration(9_002, 'create table mig_two ()'),
    ];
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(database(), more)));
    expect(applied.flat().sort()).toEqual(['9001-test.sql', '9002-test.sql']);
    expect(await tableNames()).toEqual(['mig_one', 'mig_two']);
  });

  test('one that fails leaves nothing, and the next run applies all of them', async () => {
    const before = [
      ...(await ownMigrations()),
      ...[1, 2].map((n) =>
        migration(9_000 + n, n === 1 ? 'create table mig_one ()' : 'create table mig_two ()'),
      ),
    ];
    const bad = [...before, migration(9_003, 'create table mig_three ()'), migration(9_004, 'create tabel')];
    await expect(migrate(database(), bad)).rejects.toMatchObject({
      message: expect.stringContaining('syntax'),
    });
    expect(await tableNames()).toEqual(['mig_one', 'mig_two']);
    const good = [...bad.slice(0, -1), migration(9_004, 'create table mig_four ()')];
    expect(await migrate(database(), good)).toEqual(['9003-test.sql', '9004-test.sql']);
  });

  test('an applied file that was changed or removed is refused by its name', async () => {
    const own = await ownMigrations();
    const changed = [
      ...own,
      migration(9_001, 'create table mig_one (n integer)'),
      migration(9_003, 'create table mig_three ()'),
      migration(9_004, 'create table mig_four ()'),
    ];
    await expect(migrate(database(), changed)).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(
        /^migrations: 9001-test\.sql must be as it was applied .*; 9002-test\.sql was applied, and must be there$/,
      ),
    });
    expect(await tableNames()).toEqual(['mig_four', 'mig_one', 'mig_three', 'mig_two']);
  });
}

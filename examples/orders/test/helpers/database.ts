import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { madeOnce } from '../../../../test/helpers/made-once.ts';
import { migrate, ownMigrations } from '../../database/migrate.ts';
import { createPool, type Pool } from '../../database/pool.ts';
import { type EmbeddedDatabase, emptyCluster, startEmbedded } from '../../local/embedded.ts';

/** One server for all files of a worker: starting it takes seconds, and it ends with the worker. */
let server: Promise<EmbeddedDatabase> | undefined;

/** The address of an embedded database of this worker, emptied and migrated. */
export async function freshDatabase(): Promise<string> {
  server ??= cluster().then((from) => startEmbedded({ from }));
  const { url } = await server;
  const pool = createPool({ url, connections: 1 });
  try {
    const { rows } = await pool.query<{ name: string }>(
      "select nspname as name from pg_namespace where nspname !~ '^(pg_|information_schema)'",
    );
    for (const { name } of rows) await pool.query(`drop schema "${name}" cascade`);
    await pool.query('create schema public');
    await migrate(pool, await ownMigrations());
  } finally {
    await pool.close();
  }
  return url;
}

/** A pool on it; the caller closes it. */
export async function freshPool(connections = 10): Promise<Pool> {
  return createPool({ url: await freshDatabase(), connections });
}

/** Initializing one takes longer than most of the tests. */
export async function cluster(): Promise<Uint8Array<ArrayBuffer>> {
  const dir = await madeOnce('cluster', async (draft) => {
    await writeFile(join(draft, 'files.tar'), await emptyCluster());
  });
  return new Uint8Array(await readFile(join(dir, 'files.tar')));
}
